import { notFound } from "../../http/management-error.ts";
import type { ScimResource } from "../../protocol/scim-patch.ts";
import { SCIM_GROUP, SCIM_USER, type ScimModel, type ScimSchema } from "../../protocol/scim-schema.ts";
import { publishes } from "../operations.ts";
import { listOfDocuments, SCIM_COUNT_MAX } from "./list-resources.ts";
import { listResponseOf, ScimDocument } from "./schema.ts";
import { SCIM, scimBaseOf } from "./scim-base.ts";

const CORE = "urn:ietf:params:scim:schemas:core:2.0";
const MODELS = [SCIM_USER, SCIM_GROUP];
const SCHEMAS = MODELS.flatMap(({ core, extension }) => [core, extension]);
// Of bulk operations, which are not supported: what their limits would be (reference 2.3).
const BULK = { supported: false, maxOperations: 1_000, maxPayloadSize: 1_048_576 };

const SHARED = { method: "GET", tag: "SCIM", scopes: [], isPublic: true, format: "scim" } as const;

/** What SCIM says of itself, to whoever asks (RFC 7644 §4). */
export const SCIM_DISCOVERY_OPERATIONS = [
  publishes(
    {
      ...SHARED,
      name: "GetServiceProviderConfig",
      path: `${SCIM}/ServiceProviderConfig`,
      summary: "Shows what of SCIM is supported.",
      answer: ScimDocument,
    },
    ({ deps }, realm) => showConfig(scimBaseOf(deps, realm)),
  ),
  publishes(
    {
      ...SHARED,
      name: "ListResourceTypes",
      path: `${SCIM}/ResourceTypes`,
      summary: "Lists the types of resources.",
      answer: listResponseOf(ScimDocument),
    },
    ({ deps }, realm) => listOfDocuments(MODELS.map((model) => showType(model, scimBaseOf(deps, realm)))),
  ),
  publishes(
    {
      ...SHARED,
      name: "GetResourceType",
      path: `${SCIM}/ResourceTypes/{resource_type}`,
      summary: "Shows a type of resources.",
      answer: ScimDocument,
    },
    ({ deps }, realm, { parameters: { resource_type = "" } }) => {
      const model = MODELS.find(({ name }) => name === resource_type);
      if (model === undefined) throw notFound("ResourceType", resource_type);
      return showType(model, scimBaseOf(deps, realm));
    },
  ),
  publishes(
    {
      ...SHARED,
      name: "ListSchemas",
      path: `${SCIM}/Schemas`,
      summary: "Lists the schemas of resources.",
      answer: listResponseOf(ScimDocument),
    },
    ({ deps }, realm) => listOfDocuments(SCHEMAS.map((schema) => showSchema(schema, scimBaseOf(deps, realm)))),
  ),
  publishes(
    {
      ...SHARED,
      name: "GetSchema",
      path: `${SCIM}/Schemas/{schema}`,
      summary: "Shows a schema.",
      answer: ScimDocument,
    },
    ({ deps }, realm, { parameters: { schema: id = "" } }) => {
      const schema = SCHEMAS.find((one) => one.id === id);
      if (schema === undefined) throw notFound("Schema", id);
      return showSchema(schema, scimBaseOf(deps, realm));
    },
  ),
] as const;

function showConfig(base: string): ScimResource {
  return {
    schemas: [`${CORE}:ServiceProviderConfig`],
    patch: { supported: true },
    bulk: BULK,
    filter: { supported: true, maxResults: SCIM_COUNT_MAX },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    authenticationSchemes: [
      {
        type: "oauthbearertoken",
        name: "OAuth Bearer Token",
        description: "An access token of the management API (RFC 6750)",
        specUri: "https://www.rfc-editor.org/info/rfc6750",
      },
    ],
    meta: { resourceType: "ServiceProviderConfig", location: `${base}/ServiceProviderConfig` },
  };
}

function showType({ name, endpoint, description, core, extension }: ScimModel, base: string): ScimResource {
  return {
    schemas: [`${CORE}:ResourceType`],
    id: name,
    name,
    endpoint,
    description,
    schema: core.id,
    schemaExtensions: [{ schema: extension.id, required: false }],
    meta: { resourceType: "ResourceType", location: `${base}/ResourceTypes/${name}` },
  };
}

function showSchema(schema: ScimSchema, base: string): ScimResource {
  const meta = { resourceType: "Schema", location: `${base}/Schemas/${schema.id}` };
  return { schemas: [`${CORE}:Schema`], ...schema, meta };
}
