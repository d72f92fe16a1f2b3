import { applySteps, readPatch, readResource, type ScimResource } from "../../protocol/scim-patch.ts";
import { SCIM_USER } from "../../protocol/scim-schema.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import {
  checkIdentityChange,
  checkNewIdentity,
  getHeldIdentity,
  getIdentity,
  IDENTITY_CONFLICTS,
  IDENTITY_EVENT,
  removeIdentity,
  storeIdentityChange,
  storeNewIdentity,
} from "../identity/changes.ts";
import type { ShownIdentity } from "../identity/rules.ts";
import { creates, reads, type WriteCall, type WriteOutcome, writes } from "../operations.ts";
import { listResources } from "./list-resources.ts";
import { countScimUsers, listScimUsers } from "./queries.ts";
import { demandScim, identityBodyOf, locationOf, readSent, shown, userAnswerOf, userResourceOf } from "./rules.ts";
import { listResponseOf, ScimListQuery, ScimPatchBody, ScimShowQuery, ScimUserAnswer, ScimUserBody } from "./schema.ts";
import { SCIM, scimBaseOf } from "./scim-base.ts";

const USERS = `${SCIM}/Users` as const;
const USER = `${USERS}/{identity}` as const;
const SHARED = { tag: "SCIM", format: "scim" } as const;
const CHANGE = {
  ...SHARED,
  scopes: ["scim:users:update"],
  query: ScimShowQuery,
  answer: ScimUserAnswer,
  refusals: ["conflict"],
  conflicts: IDENTITY_CONFLICTS,
  event: { ...IDENTITY_EVENT, action: "UPDATE" },
} as const;

/** The operations of SCIM's users, which are the identities (reference 2.2). */
export const SCIM_USER_OPERATIONS = [
  creates(
    {
      ...SHARED,
      name: "SCIMCreateUser",
      method: "POST",
      path: USERS,
      summary: "Makes a user.",
      scopes: ["scim:users:create"],
      query: ScimShowQuery,
      body: ScimUserBody,
      answer: ScimUserAnswer,
      status: 201,
      refusals: ["conflict"],
      isCreate: true,
      conflicts: IDENTITY_CONFLICTS,
      event: { ...IDENTITY_EVENT, action: "CREATE" },
    },
    async (call) => {
      const body = readSent(() => identityBodyOf(readResource(call.body, SCIM_USER)));
      const identity = await storeNewIdentity(call, demandScim(await checkNewIdentity(call, body)));
      const { identityId: id } = identity.key;
      const location = locationOf(SCIM_USER, id, baseOf(call));
      return { value: show(call, identity), headers: { location }, about: { id } };
    },
    { parameter: "identity", show: showMadeUser },
  ),
  reads(
    {
      ...SHARED,
      name: "SCIMListUsers",
      method: "GET",
      path: USERS,
      summary: "Lists users.",
      scopes: ["scim:users:read"],
      query: ScimListQuery,
      answer: listResponseOf(ScimUserAnswer),
    },
    async (call) => {
      const realm = realmOf(call);
      const value = await listResources(call.query, {
        page: (page) => listScimUsers(call.db, realm, page),
        count: (filter) => countScimUsers(call.db, realm, filter),
        show: (identity) => show(call, identity),
      });
      return { value };
    },
  ),
  reads(
    {
      ...SHARED,
      name: "SCIMGetUser",
      method: "GET",
      path: USER,
      summary: "Shows a user.",
      scopes: ["scim:users:read"],
      query: ScimShowQuery,
      answer: ScimUserAnswer,
    },
    showUser,
  ),
  writes(
    {
      ...CHANGE,
      name: "SCIMUpdateUser",
      method: "PATCH",
      path: USER,
      summary: "Changes a user, by all of the operations or by none.",
      body: ScimPatchBody,
    },
    (call) => change(call, (user) => applySteps(user, readPatch(call.body, SCIM_USER))),
  ),
  writes(
    {
      ...CHANGE,
      name: "SCIMReplaceUser",
      method: "PUT",
      path: USER,
      summary: "Replaces what SCIM knows of a user; whether he may log in stays as it is where that is not said.",
      body: ScimUserBody,
    },
    (call) => change(call, () => readResource(call.body, SCIM_USER)),
  ),
  writes(
    {
      ...SHARED,
      name: "SCIMDeleteUser",
      method: "DELETE",
      path: USER,
      summary: "Deletes a user.",
      scopes: ["scim:users:delete"],
      status: 204,
      event: { ...IDENTITY_EVENT, action: "DELETE" },
    },
    async (call) => {
      const held = await getHeldIdentity(call);
      await removeIdentity(call, held);
      return { value: undefined, about: { id: held.key.identityId } };
    },
  ),
] as const;

async function showMadeUser(call: Call<ScimShowQuery, unknown>): Promise<Outcome<ScimResource>> {
  const location = locationOf(SCIM_USER, call.request.parameters.identity ?? "", baseOf(call));
  return { ...(await showUser(call)), headers: { location } };
}

async function showUser(call: Call<ScimShowQuery, unknown>): Promise<Outcome<ScimResource>> {
  return { value: show(call, await getIdentity(call)) };
}

async function change(
  call: WriteCall<ScimShowQuery, unknown>,
  read: (user: ScimResource) => ScimResource,
): Promise<WriteOutcome<ScimResource>> {
  const held = await getHeldIdentity(call);
  const body = readSent(() => identityBodyOf(read(userResourceOf(held))));
  const settings = demandScim(await checkIdentityChange(call, held, body));
  const { identity, changed } = await storeIdentityChange(call, held, settings);
  return { value: show(call, identity), about: { id: held.key.identityId, facts: { changed } } };
}

function show(call: Call<ScimShowQuery, unknown>, identity: ShownIdentity): ScimResource {
  return shown(userAnswerOf(identity, baseOf(call)), call.query, SCIM_USER);
}

function baseOf(call: Call<unknown, unknown>): string {
  return scimBaseOf(call.deps, realmOf(call));
}
