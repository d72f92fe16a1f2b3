import { sha256 } from "../../platform/hash.ts";
import { type Html, html } from "../html.ts";
import type { OpenApiDocument } from "./document.ts";
import { createResolver } from "./example.ts";
import { type Placed, renderOperation } from "./reference-operation.ts";
import { renderSchema } from "./reference-schema.ts";
import { REFERENCE_STYLE } from "./reference-style.ts";

/** One page of the reference. */
export interface ReferencePage {
  readonly status: 200 | 404;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const STYLE_HASH = `'sha256-${sha256(REFERENCE_STYLE).toString("base64")}'`;
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; style-src ${STYLE_HASH}; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`,
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
} as const;

interface Section {
  readonly title: string;
  readonly slug: string;
  readonly operations: readonly Placed[];
}

/**
 * The rendered reference of a document: an overview and a page for each tag. HTML and one style, nothing that runs: it works under the
 * strictest policy, without a script, and is read by any reader (decision 0023).
 */
export function createReference(document: OpenApiDocument): { page(slug: string): ReferencePage } {
  const sections = sectionsOf(document);
  const resolve = createResolver(document.components.schemas);
  const found = (title: string, slug: string, content: Html): ReferencePage => ({
    status: 200,
    headers: HEADERS,
    body: renderPage({ title, slug, sections, content }).markup,
  });
  return {
    page: (slug) => {
      if (slug === "") return found("Mayfly API reference", slug, renderOverview(document, sections));
      const section = sections.find((one) => one.slug === slug);
      if (section === undefined) {
        const content = html`<h1>There is no such page</h1><p>The reference begins <a href="/docs">here</a>.</p>`;
        const page = found("Not found", "?", content);
        return { ...page, status: 404 };
      }
      const operations = section.operations.map((one) => renderOperation(one, document, resolve));
      return found(`${section.title} · Mayfly API reference`, slug, html`<h1>${section.title}</h1>${operations}`);
    },
  };
}

function sectionsOf(document: OpenApiDocument): readonly Section[] {
  const placed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return document.tags.map(({ name }) => ({
    title: name,
    slug: name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"),
    operations: placed.filter(({ operation }) => operation.tags.includes(name)),
  }));
}

interface PageParts {
  readonly title: string;
  readonly slug: string;
  readonly sections: readonly Section[];
  readonly content: Html;
}

function renderPage({ title, slug, sections, content }: PageParts): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${{ markup: REFERENCE_STYLE }}</style>
</head>
<body>
<nav aria-label="Reference"><a class="skip" href="#content">Skip to the content</a>
<a class="home" href="/docs"${current(slug === "")}>Mayfly<small>API reference</small></a>
<ul>${sections.map((section) => renderLink(section, slug))}</ul>
</nav>
<main id="content">
${content}
</main>
</body>
</html>
`;
}

function renderLink({ title, slug, operations }: Section, shown: string): Html {
  const isShown = slug === shown;
  const inner = operations.map(({ operation: { operationId } }) => {
    return html`<li><a href="#${operationId}">${operationId}</a></li>`;
  });
  return html`
<li><a href="/docs/${slug}"${current(isShown)}>${title}</a>${isShown ? html`<ul>${inner}</ul>` : undefined}</li>`;
}

function current(isCurrent: boolean): Html | undefined {
  return isCurrent ? html` aria-current="page"` : undefined;
}

function renderOverview(document: OpenApiDocument, sections: readonly Section[]): Html {
  const { schemas } = document.components;
  const resolve = createResolver(schemas);
  return html`<h1>API reference</h1>
<p class="intro">Every operation of this server. The same as an <a href="/openapi.json">OpenAPI 3.1 document</a>, for generators and tools.</p>
<section class="part"><h2>A request</h2>
<p>Operations of the management API are called with <code>Authorization: Bearer …</code>, a token of the tenant's Management API application. The token must hold all scopes that the operation names, and it is judged at each request: revoked means refused at once.</p>
<p>Bodies are JSON. Members that are for reading only are ignored where they are sent, other unknown members are refused by name. A <code>PATCH</code> changes what it names; <code>null</code> clears. A create with an <code>Idempotency-Key</code> is done once. A change with <code>If-Match</code> is refused where somebody was faster.</p>
<p>In the examples <code>MAYFLY</code> is <code>${document.servers[0]?.url}</code>, and <code>TOKEN</code>, <code>TENANT</code> and the like are what you have.</p>
<p>Lists come in pages: <code>next_page_token</code> is there only where more follows. Each answer has an <code>x-trace-id</code>.</p>
</section>
<section class="part"><h2>An error</h2>
<p>All errors of the management API have one shape.</p>
${renderSchema(schemas.Error ?? {}, { resolve, use: "answer" })}
</section>
${sections.map(renderSummary)}`;
}

function renderSummary({ title, slug, operations }: Section): Html {
  const rows = operations.map(
    ({ operation: { operationId, summary } }) =>
      html`<tr><td><a href="/docs/${slug}#${operationId}">${operationId}</a></td><td>${summary}</td></tr>
`,
  );
  return html`<section class="part"><h2><a href="/docs/${slug}">${title}</a></h2>
<table><thead><tr><th scope="col">Operation</th><th scope="col">What it does</th></tr></thead><tbody>
${rows}</tbody></table></section>
`;
}
