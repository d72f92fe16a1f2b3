import { type Html, html } from "../html.ts";
import type { OpenApiDocument } from "./document.ts";
import { exampleOf, type Resolve } from "./example.ts";
import type { Content, OperationObject, ParameterObject, ResponseObject } from "./operation-object.ts";
import { renderMember, renderSchema } from "./reference-schema.ts";

/** An operation and where it is. */
export interface Placed {
  readonly path: string;
  readonly method: string;
  readonly operation: OperationObject;
}

/** Renders one operation: what it does, who may, what it takes and answers, and how it is called. */
export function renderOperation(
  { path, method, operation }: Placed,
  document: OpenApiDocument,
  resolve: Resolve,
): Html {
  const { operationId, summary, description } = operation;
  return html`<article id="${operationId}">
<div class="words">
<h2><a href="#${operationId}">${operationId}</a></h2>
<p class="route"><b class="${method}">${method.toUpperCase()}</b> <code>${breakable(path)}</code></p>
<p class="lead">${summary}</p>${description === undefined ? undefined : html`<p class="more">${description}</p>`}
${renderSecurity(operation)}
${renderParameters(operation, document, resolve)}
${renderBody(operation, resolve)}
${renderAnswers(operation, document, resolve)}
</div>
<div class="code">
<h3>Request</h3><pre tabindex="0"><code>${curlOf({ path, method, operation }, resolve)}</code></pre>
${renderExample(operation, resolve)}
</div>
</article>
`;
}

// Long paths break behind their slashes.
function breakable(path: string): Html[] {
  return path.split(/(?<=\/)/).map((part) => html`${part}<wbr>`);
}

function renderSecurity({ security }: OperationObject): Html {
  const ways = security.map((one) => {
    const [[scheme = "", scopes = []] = []] = Object.entries(one);
    if (scheme === "client") return html`<li>client_id and client_secret</li>`;
    if (scheme === "operator") return html`<li>the operator's credential as a bearer token</li>`;
    if (scopes.length === 0) return html`<li>a bearer token</li>`;
    return html`<li>a bearer token with ${scopes.map((scope) => html`<code class="scope">${scope}</code> `)}</li>`;
  });
  const shown = ways.length === 0 ? [html`<li>nothing: anybody may ask</li>`] : ways;
  return html`<h3>Needs</h3><ul class="needs">${shown}</ul>`;
}

function renderParameters({ parameters }: OperationObject, document: OpenApiDocument, resolve: Resolve): Html {
  const all = parameters.map((one) => ("$ref" in one ? parameterAt(document, one.$ref) : one));
  const groups = [
    ["Path", all.filter((one) => one.in === "path")],
    ["Query", all.filter((one) => one.in === "query")],
    ["Headers", all.filter((one) => one.in === "header")],
  ] as const;
  const rendered = groups
    .filter(([, members]) => members.length > 0)
    .map(([title, members]) => {
      const items = members.map(({ name, schema, required, description }) =>
        renderMember({ name, member: schema, isRequired: required, description }, { resolve, use: "request" }),
      );
      return html`<h3>${title}</h3><ul class="members">${items}</ul>`;
    });
  return html`${rendered}`;
}

function parameterAt({ components }: OpenApiDocument, ref: string): ParameterObject {
  const found = components.parameters[ref.split("/").at(-1) ?? ""];
  if (found === undefined) throw new Error(`the document has no ${ref}`);
  return found;
}

function renderBody({ requestBody }: OperationObject, resolve: Resolve): Html | undefined {
  if (requestBody === undefined) return undefined;
  const [[type = "", media] = []] = Object.entries(requestBody.content);
  if (media === undefined) return undefined;
  const types = Object.keys(requestBody.content).join(" or ");
  return html`<h3>Body <small>${types || type}</small></h3>${renderSchema(media.schema, { resolve, use: "request" })}`;
}

function renderAnswers(operation: OperationObject, document: OpenApiDocument, resolve: Resolve): Html {
  const entries = Object.entries(operation.responses).map(([status, one]) => {
    return { status, response: "$ref" in one ? responseAt(document, one.$ref) : one };
  });
  const good = entries.filter(({ status }) => status < "400");
  const bad = entries.filter(({ status }) => status >= "400");
  return html`${good.map(({ status, response }) => renderAnswer(status, response, resolve))}
<h3>Errors</h3><ul class="errors">${bad.map(
    ({ status, response }) => html`<li><b>${status}</b> ${response.description}</li>`,
  )}</ul>`;
}

function responseAt({ components }: OpenApiDocument, ref: string): ResponseObject {
  const found = components.responses[ref.split("/").at(-1) ?? ""];
  if (found === undefined) throw new Error(`the document has no ${ref}`);
  return found;
}

function renderAnswer(status: string, { description, content = {} }: ResponseObject, resolve: Resolve): Html {
  const bodies = Object.entries(content).map(
    ([type, { schema }]) =>
      html`<h3>Answer <small>${status} ${type}</small></h3>${renderSchema(schema, { resolve, use: "answer" })}`,
  );
  if (bodies.length > 0) return html`${bodies}`;
  return html`<h3>Answer <small>${status}</small></h3><p>${description === "OK" ? "An empty body." : description}</p>`;
}

/** How the operation is called from a shell. */
function curlOf({ path, method, operation }: Placed, resolve: Resolve): string {
  const verb = method.toUpperCase();
  const url = `$MAYFLY${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`)}`;
  const [scheme] = operation.security.flatMap((one) => Object.keys(one));
  const [[type = "", media] = []] = Object.entries(operation.requestBody?.content ?? {});
  const sent = media === undefined ? undefined : (media.example ?? exampleOf(media.schema, resolve, "request"));
  const lines = [
    `curl${verb === "GET" ? "" : ` -X ${verb}`} "${url}"`,
    ...(scheme === "bearer" || scheme === "operator" ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...(scheme === "client" ? ['-u "$CLIENT_ID:$CLIENT_SECRET"'] : []),
    ...(sent === undefined ? [] : bodyLines(type, sent)),
  ];
  return lines.join(" \\\n  ");
}

function bodyLines(type: string, sent: unknown): string[] {
  if (type !== "application/x-www-form-urlencoded") {
    return [`-H "Content-Type: ${type}"`, `-d '${JSON.stringify(sent, null, 2).replaceAll("\n", "\n  ")}'`];
  }
  const shown = { ...(typeof sent === "object" ? sent : {}) };
  return Object.entries(shown).map(([name, value]) => `-d "${name}=${String(value)}"`);
}

function renderExample({ responses }: OperationObject, resolve: Resolve): Html | undefined {
  const good = Object.entries(responses).find(([status]) => status < "300");
  const content: Content = good === undefined || "$ref" in good[1] ? {} : (good[1].content ?? {});
  const media = content["application/json"] ?? content["application/scim+json"];
  if (media === undefined) return undefined;
  const text = JSON.stringify(exampleOf(media.schema, resolve, "answer"), null, 2);
  return html`<h3>Answer</h3><pre tabindex="0"><code>${text}</code></pre>`;
}
