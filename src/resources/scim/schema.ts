import { type Static, type TSchema, type TUnsafe, Type } from "typebox";
import { FILTER_LENGTH_MAX } from "../../protocol/scim-filter.ts";
import type { ScimResource } from "../../protocol/scim-patch.ts";
import { SCIM_GROUP, SCIM_USER } from "../../protocol/scim-schema.ts";
import { HexId } from "../schema-parts.ts";

const Text = Type.String();
const Schemas = Type.Array(Text);
const Instant = Type.String({ format: "date-time" });
const closed = { additionalProperties: false } as const;

const Meta = Type.Object(
  { resourceType: Text, created: Instant, lastModified: Instant, location: Text, version: Text },
  closed,
);
const Name = Type.Object({ givenName: Type.Optional(Text), familyName: Type.Optional(Text) }, closed);
const Emails = Type.Array(Type.Object({ value: Type.Optional(Text), primary: Type.Optional(Type.Boolean()) }, closed));
const Manager = Type.Object({ value: Type.Optional(Text), displayName: Type.Optional(Text) }, closed);
const Enterprise = Type.Object(
  {
    employeeNumber: Type.Optional(Text),
    costCenter: Type.Optional(Text),
    organization: Type.Optional(Text),
    division: Type.Optional(Text),
    department: Type.Optional(Text),
    manager: Type.Optional(Manager),
  },
  closed,
);

/** A user as SCIM shows one: with all of it, unless a part is asked for. */
export const ScimUserAnswer = Type.Unsafe<ScimResource>(
  Type.Object(
    {
      schemas: Schemas,
      id: HexId,
      externalId: Type.Optional(Text),
      userName: Type.Optional(Text),
      displayName: Type.Optional(Text),
      active: Type.Optional(Type.Boolean()),
      name: Type.Optional(Name),
      emails: Type.Optional(Emails),
      [SCIM_USER.extension.id]: Type.Optional(Enterprise),
      meta: Type.Optional(Meta),
    },
    closed,
  ),
);

/** A group as SCIM shows one: never with its members. */
export const ScimGroupAnswer = Type.Unsafe<ScimResource>(
  Type.Object(
    {
      schemas: Schemas,
      id: HexId,
      displayName: Type.Optional(Text),
      [SCIM_GROUP.extension.id]: Type.Optional(Type.Object({ description: Text }, closed)),
      meta: Type.Optional(Meta),
    },
    closed,
  ),
);

// Names may come in any case and unknown ones are ignored (RFC 7643 §2.1, reference 2.3): so the schema only tells what may be said,
// and protocol/scim-patch.ts judges it.
function open(properties: Readonly<Record<string, object>>): TUnsafe<ScimResource> {
  return Type.Unsafe<ScimResource>({ type: "object", properties, additionalProperties: true });
}

/** What is written of a user. */
export const ScimUserBody = open({
  schemas: {},
  externalId: {},
  userName: {},
  displayName: {},
  active: {},
  name: {},
  emails: {},
  [SCIM_USER.extension.id]: {},
});

/** What is written of a group. */
export const ScimGroupBody = open({ schemas: {}, displayName: {}, members: {}, [SCIM_GROUP.extension.id]: {} });

/** A PATCH (RFC 7644 §3.5.2). */
export const ScimPatchBody = open({ schemas: {}, Operations: {} });

const Names = Type.Optional(Type.String({ maxLength: FILTER_LENGTH_MAX }));
const Shown = { attributes: Names, excludedAttributes: Names };

/** The query of an operation that shows a resource (RFC 7644 §3.9). */
export const ScimShowQuery = Type.Object(Shown, closed);
export type ScimShowQuery = Static<typeof ScimShowQuery>;

const Count = Type.Optional(Type.String({ maxLength: 12 }));

/** The query of a list. Sorting is not supported, and what is asked of it is ignored (RFC 7644 §3.4.2.3). */
export const ScimListQuery = Type.Object(
  {
    filter: Type.Optional(Type.String({ maxLength: FILTER_LENGTH_MAX })),
    startIndex: Count,
    count: Count,
    sortBy: Type.Optional(Text),
    sortOrder: Type.Optional(Text),
    ...Shown,
  },
  closed,
);
export type ScimListQuery = Static<typeof ScimListQuery>;

/** A list of resources (RFC 7644 §3.4.2). */
export function listResponseOf<S extends TSchema>(item: S): TUnsafe<ScimListResponse<Static<S>>> {
  return Type.Unsafe<ScimListResponse<Static<S>>>(
    Type.Object(
      {
        schemas: Schemas,
        totalResults: Type.Integer({ minimum: 0 }),
        startIndex: Type.Integer({ minimum: 1 }),
        itemsPerPage: Type.Integer({ minimum: 0 }),
        Resources: Type.Array(item),
      },
      closed,
    ),
  );
}

export interface ScimListResponse<Item> {
  readonly schemas: readonly string[];
  readonly totalResults: number;
  readonly startIndex: number;
  readonly itemsPerPage: number;
  readonly Resources: readonly Item[];
}

/** A document of discovery (RFC 7643 §5 to §7). */
export const ScimDocument = Type.Unsafe<ScimResource>({
  type: "object",
  properties: { schemas: { type: "array", items: { type: "string" } }, meta: { type: "object" } },
  required: ["schemas", "meta"],
});
