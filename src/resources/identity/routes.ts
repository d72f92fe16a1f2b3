import { Type } from "typebox";
import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { wrapped } from "../../http/operation.ts";
import { READ_ONLY } from "../answer-parts.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { readEnrollment } from "../credential/queries.ts";
import { demandVersion } from "../etag.ts";
import { countGroupsOf, listGroupsOf } from "../group/queries.ts";
import { groupAnswerOf } from "../group/rules.ts";
import { GroupAnswer } from "../group/schema.ts";
import { heldRoles } from "../held-roles.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, type WriteOutcome, writes } from "../operations.ts";
import { RoleAnswer } from "../role/schema.ts";
import {
  checkIdentityChange,
  checkNewIdentity,
  getHeldIdentity,
  getIdentity,
  IDENTITY_CONFLICTS,
  IDENTITY_EVENT,
  identityKeyOf,
  removeIdentities,
  removeIdentity,
  storeIdentityChange,
  storeNewIdentity,
} from "./changes.ts";
import { countIdentities, type IdentityKey, listIdentities } from "./queries.ts";
import { enrolledAnswerOf, type ShownIdentity } from "./rules.ts";
import { type EnrollmentStatus, IdentityAnswer, IdentityBatchBody, IdentityBody } from "./schema.ts";

const IDENTITIES = "/v1/tenants/{tenant}/realms/{realm}/identities";
const IDENTITY = `${IDENTITIES}/{identity}` as const;
const BODY = wrapped("identity", IdentityBody, [...READ_ONLY, "enrollment_status"]);
const TAG = "Identities";

/** The operations of identities (reference 2.2). */
export const IDENTITY_OPERATIONS = [
  creates(
    {
      name: "CreateIdentity",
      method: "POST",
      path: IDENTITIES,
      tag: TAG,
      summary: "Makes an identity: somebody who can log in.",
      scopes: ["identities:create"],
      body: BODY,
      answer: IdentityAnswer,
      refusals: ["conflict"],
      isCreate: true,
      isVersioned: true,
      conflicts: IDENTITY_CONFLICTS,
      event: { ...IDENTITY_EVENT, action: "CREATE" },
    },
    async (call) => {
      const settings = demandValid(await checkNewIdentity(call, call.body.identity));
      return stored(await storeNewIdentity(call, settings), "UNENROLLED");
    },
    { parameter: "identity", show: showIdentity },
  ),
  reads(
    {
      name: "GetIdentity",
      method: "GET",
      path: IDENTITY,
      tag: TAG,
      summary: "Shows an identity.",
      scopes: ["identities:read"],
      answer: IdentityAnswer,
      isVersioned: true,
    },
    showIdentity,
  ),
  lists(
    {
      name: "ListIdentities",
      path: IDENTITIES,
      tag: TAG,
      summary: "Lists the identities of the realm.",
      scopes: ["identities:read"],
      plural: "identities",
      item: IdentityAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => {
      const { db } = call;
      return {
        page: async (page) => {
          const identities = await listIdentities(db, realmOf(call), page);
          const enrollmentOf = await readEnrollments(call, identities);
          return identities.map((identity) => ({ identity, enrollment: enrollmentOf(identity) }));
        },
        count: (filter) => countIdentities(db, realmOf(call), filter),
        idOf: ({ identity }) => identity.key.identityId,
        show: ({ identity, enrollment }) => enrolledAnswerOf(identity, enrollment),
      };
    },
  ),
  writes(
    {
      name: "UpdateIdentity",
      method: "PATCH",
      path: IDENTITY,
      tag: TAG,
      summary: "Changes an identity. Suspended, it cannot log in, and its tokens are dead.",
      scopes: ["identities:update"],
      body: BODY,
      answer: IdentityAnswer,
      refusals: ["conflict"],
      isVersioned: true,
      conflicts: IDENTITY_CONFLICTS,
      event: { ...IDENTITY_EVENT, action: "UPDATE" },
    },
    async (call) => {
      const held = await getHeldIdentity(call);
      demandVersion(call.request, held.version);
      const settings = demandValid(await checkIdentityChange(call, held, call.body.identity));
      const { identity, changed } = await storeIdentityChange(call, held, settings);
      return stored(identity, await enrollmentIn(call), { changed });
    },
  ),
  writes(
    {
      name: "DeleteIdentity",
      method: "DELETE",
      path: IDENTITY,
      tag: TAG,
      summary: "Deletes an identity: it leaves its groups and roles, and its tokens are dead.",
      scopes: ["identities:delete"],
      isVersioned: true,
      event: { ...IDENTITY_EVENT, action: "DELETE" },
    },
    async (call) => {
      const held = await getHeldIdentity(call);
      demandVersion(call.request, held.version);
      await removeIdentity(call, held);
      return { value: undefined, about: { id: held.key.identityId } };
    },
  ),
  writes(
    {
      name: "BatchDeleteIdentities",
      method: "POST",
      path: `${IDENTITIES}:batchDelete`,
      tag: TAG,
      summary: "Deletes identities, all or none.",
      scopes: ["identities:delete"],
      body: IdentityBatchBody,
    },
    async (call) => {
      await removeIdentities(call, call.body.ids);
      return { value: undefined };
    },
  ),
  lists(
    {
      name: "ListIdentityGroups",
      path: `${IDENTITY}:listGroups`,
      tag: TAG,
      summary: "Lists the groups that an identity is a member of.",
      scopes: ["identities:read", "groups:read"],
      plural: "groups",
      item: GroupAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
    },
    (call) => {
      const { identityId, ...realm } = identityKeyOf(call);
      return {
        page: (page) => listGroupsOf(call.db, realm, identityId, page),
        count: async () => {
          const [size] = await Promise.all([countGroupsOf(call.db, realm, identityId), getIdentity(call)]);
          return size;
        },
        idOf: ({ key }) => key.groupId,
        show: groupAnswerOf,
      };
    },
  ),
  lists(
    {
      name: "ListIdentityRoles",
      path: `${IDENTITY}:listRoles`,
      tag: TAG,
      summary: "Lists the roles that an identity holds, directly or through a group.",
      scopes: ["identities:read", "roles:read", "resource-servers:read"],
      plural: "roles",
      item: RoleAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      members: { resource_server_id: Type.Optional(Type.String()) },
      refusals: ["conflict"],
    },
    (call, { resource_server_id: resourceServerId = "" }) => {
      const holder = { kind: "identity", id: identityKeyOf(call).identityId } as const;
      return heldRoles(call, { holder, resourceServerId, demandHolder: () => getIdentity(call) });
    },
  ),
] as const;

/** How far identities of the realm are on the way to a passkey. */
async function readEnrollments(
  call: Call<unknown, unknown>,
  identities: readonly { readonly key: IdentityKey }[],
): Promise<(identity: { readonly key: IdentityKey }) => EnrollmentStatus> {
  const ids = identities.map(({ key }) => key.identityId);
  const read = await readEnrollment(call.db, realmOf(call), ids, call.deps.clock.nowSeconds());
  return ({ key }) => read.get(key.identityId) ?? "UNENROLLED";
}

async function enrollmentIn(call: Call<unknown, unknown>): Promise<EnrollmentStatus> {
  const identity = { key: identityKeyOf(call) };
  return (await readEnrollments(call, [identity]))(identity);
}

async function showIdentity(call: Call<unknown, unknown>): Promise<Outcome<IdentityAnswer>> {
  const [identity, enrollment] = await Promise.all([getIdentity(call), enrollmentIn(call)]);
  return { value: enrolledAnswerOf(identity, enrollment), version: identity.version };
}

function stored(
  identity: ShownIdentity,
  enrollment: EnrollmentStatus,
  facts?: Readonly<Record<string, unknown>>,
): WriteOutcome<IdentityAnswer> {
  return {
    value: enrolledAnswerOf(identity, enrollment),
    version: identity.version,
    about: { id: identity.key.identityId, facts },
  };
}
