// The one list that is two: groups and identities that hold a role, each with pages of its own (reference 2.2).

import { type Static, type TProperties, Type } from "typebox";
import {
  DIRECTORY_PAGE_SIZES,
  type ListQuery,
  type ListQueryMembers,
  type ListReader,
  parseListQuery,
  readListPage,
} from "../../http/list-query.ts";
import { fieldViolations, ManagementError } from "../../http/management-error.ts";
import type { Call } from "../call.ts";
import { groupAnswerOf } from "../group/rules.ts";
import { GroupAnswer } from "../group/schema.ts";
import { identityAnswerOf } from "../identity/rules.ts";
import { IdentityAnswer } from "../identity/schema.ts";
import { reads } from "../operations.ts";
import { countMembersOfRole, listGroupsOfRole, listIdentitiesOfRole } from "../role-member/queries.ts";
import { ListQueryParts } from "../schema-parts.ts";
import { getRole, ROLE } from "./found-role.ts";

type Kind = "groups" | "identities";
const MEMBERS = ["page_size", "page_token", "skip"] as const;

const query = Type.Unsafe<ListQueryMembers>(
  Type.Object({ ...partsOf("groups"), ...partsOf("identities") }, { additionalProperties: false }),
);
const Size = Type.Integer({ minimum: 0 });
const Token = Type.Optional(Type.String());
const answer = Type.Object(
  {
    groups: Type.Array(GroupAnswer),
    total_groups_size: Size,
    next_groups_page_token: Token,
    identities: Type.Array(IdentityAnswer),
    total_identities_size: Size,
    next_identities_page_token: Token,
  },
  { additionalProperties: false },
);

/** The operation that lists who holds a role. */
export const LIST_ROLE_MEMBERS = reads(
  {
    name: "ListRoleMembers",
    method: "GET",
    path: `${ROLE}:listMembers`,
    tag: "Roles",
    summary: "Lists the groups and the identities that hold a role, each by pages of its own.",
    scopes: ["roles:read", "groups:read", "identities:read"],
    query,
    answer,
  },
  async (call) => {
    const { db } = call;
    const [asked, askedIdentities] = [parsePart(call, "groups"), parsePart(call, "identities")];
    const { key } = await getRole(call);
    const sizes = countMembersOfRole(db, key);
    const readerOf = <Row>(kind: Kind, page: ListReader<Row>["page"], idOf: ListReader<Row>["idOf"]) => ({
      page,
      count: async () => (await sizes)[kind],
      idOf,
    });
    const [groups, identities] = await Promise.all([
      readListPage(
        asked,
        readerOf(
          "groups",
          (page) => listGroupsOfRole(db, key, page),
          (group) => group.key.groupId,
        ),
      ),
      readListPage(
        askedIdentities,
        readerOf(
          "identities",
          (page) => listIdentitiesOfRole(db, key, page),
          (identity) => identity.key.identityId,
        ),
      ),
    ]);
    const value: Static<typeof answer> = {
      groups: groups.items.map(groupAnswerOf),
      total_groups_size: groups.ends.total_size,
      ...tokenOf("next_groups_page_token", groups.ends.next_page_token),
      identities: identities.items.map(identityAnswerOf),
      total_identities_size: identities.ends.total_size,
      ...tokenOf("next_identities_page_token", identities.ends.next_page_token),
    };
    return { value };
  },
);

function partsOf(kind: Kind): TProperties {
  return Object.fromEntries(MEMBERS.map((name) => [`${kind}_${name}`, ListQueryParts[name]]));
}

// What is wrong with a part is told by the name that it was sent under.
function parsePart(call: Call<ListQueryMembers, unknown>, kind: Kind): ListQuery {
  const list = ["ListRoleMembers", kind, ...Object.values(call.request.parameters)];
  const own = Object.fromEntries(MEMBERS.map((name) => [name, call.query[`${kind}_${name}`]]));
  try {
    return parseListQuery(own, { list, sizes: DIRECTORY_PAGE_SIZES }, call.deps.clock.nowSeconds());
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    const violations = error.details.flatMap((detail) => ("field_violations" in detail ? detail.field_violations : []));
    throw fieldViolations(violations.map(({ field, description }) => ({ field: `${kind}_${field}`, description })));
  }
}

function tokenOf<Name extends string>(name: Name, token: string | undefined): { readonly [K in Name]?: string } {
  const made: { [K in Name]?: string } = {};
  return token === undefined ? made : Object.assign(made, { [name]: token });
}
