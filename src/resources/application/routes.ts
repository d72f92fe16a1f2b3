import { CONFIGURATION_PAGE_SIZES } from "../../http/list-query.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { uuid } from "../../platform/random.ts";
import { READ_ONLY } from "../answer-parts.ts";
import { readSecretRulesOf } from "../application-place/queries.ts";
import { type Call, type Outcome, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { newClientId } from "../credentials.ts";
import { type EventDraft, type EventKind, listChanged, recordEvents, recordEventsAlone } from "../event-draft.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, writes } from "../operations.ts";
import {
  answerOf,
  demandPowerOver,
  getChangeable,
  getHeld,
  keyOf,
  makeSecret,
  openSecretFor,
  readPlaceOf,
  secretRulesOf,
  storeChange,
} from "./found-application.ts";
import {
  countApplications,
  deleteApplication,
  findApplication,
  insertApplication,
  listApplications,
  updateApplicationSecret,
} from "./queries.ts";
import { createApplication } from "./rules.ts";
import { ApplicationAnswer, ApplicationBody, RotateSecretBody } from "./schema.ts";
import { USAGE_OPERATIONS } from "./usage-operations.ts";

const APPLICATIONS = "/v1/tenants/{tenant}/realms/{realm}/applications";
const APPLICATION = `${APPLICATIONS}/{application}` as const;
const TAG = "Applications";
const CREDENTIALS = ["client_id", "client_secret", "token_endpoint_auth_method"];
const BODY = wrapped("application", ApplicationBody, [
  ...READ_ONLY,
  ...["is_managed", "classification"],
  ...CREDENTIALS.map((name) => `protocol_config.${name}`),
]);
const EVENT = { type: "ApplicationOperation", resource: "Application" } as const satisfies Partial<EventKind>;

// Sent again, a create or a rotation shows the application as it is, and its secret to whoever may read that now.
const READ_AGAIN = {
  parameter: "application",
  show: (call: Call<unknown, unknown>) => show(call, (events) => recordEvents(call, events)),
} as const;

/** The operations of applications (reference 2.2). */
export const APPLICATION_OPERATIONS = [
  creates(
    {
      name: "CreateApplication",
      method: "POST",
      path: APPLICATIONS,
      tag: TAG,
      summary: "Makes an application; a confidential one gets a secret.",
      scopes: ["applications:create"],
      body: BODY,
      answer: ApplicationAnswer,
      isCreate: true,
      isVersioned: true,
      event: { ...EVENT, action: "CREATE" },
    },
    async (call) => {
      const { db, deps, nowMs } = call;
      const { application: body } = call.body;
      const place = await readPlaceOf(call, [body]);
      const settings = demandValid(createApplication(body, place));
      demandPowerOver(call.caller, place, { after: settings });
      const key = { ...realmOf(call), applicationId: uuid(deps.random) };
      const isConfidential = settings.protocol_config.confidentiality === "confidential";
      const secret = isConfidential ? makeSecret(call, key, place) : undefined;
      // 144 random bits: no user name of the realm is the same, and none becomes so (rule 2, which the identities keep).
      const clientId = newClientId(deps.random);
      const application = { isManaged: false, classification: "", clientId, secret, settings };
      await insertApplication(db, key, application, nowMs);
      const value = answerOf({ ...application, key, tokensValidAfter: 0 }, secret?.text);
      return { value, version: 1, about: { id: key.applicationId } };
    },
    READ_AGAIN,
  ),
  reads(
    {
      name: "GetApplication",
      method: "GET",
      path: APPLICATION,
      tag: TAG,
      summary: "Shows an application, with its secret if the caller may do all that the application may.",
      scopes: ["applications:read"],
      answer: ApplicationAnswer,
      isVersioned: true,
    },
    showApplication,
  ),
  lists(
    {
      name: "ListApplications",
      path: APPLICATIONS,
      tag: TAG,
      summary:
        "Lists the applications of the realm, with the secrets of those that may do nothing that the caller may not.",
      scopes: ["applications:read"],
      plural: "applications",
      item: ApplicationAnswer,
      sizes: CONFIGURATION_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => {
      const reading = readSecretRulesOf(call.db, realmOf(call));
      return {
        page: async (page) => {
          const [applications, rules] = await Promise.all([listApplications(call.db, realmOf(call), page), reading]);
          return applications.map((application) => ({ application, secret: openSecretFor(call, application, rules) }));
        },
        count: (filter) => countApplications(call.db, realmOf(call), filter),
        idOf: ({ application }) => application.key.applicationId,
        show: ({ application, secret }) => answerOf(application, secret),
        note: (rows) => {
          const shown = rows.filter(({ secret }) => secret !== undefined);
          const events = shown.map(({ application }) => readEventOf(application.key.applicationId));
          return recordEventsAlone(call, events);
        },
      };
    },
  ),
  writes(
    {
      name: "UpdateApplication",
      method: "PATCH",
      path: APPLICATION,
      tag: TAG,
      summary: "Changes an application; its protocol, client type, grants and credentials stay.",
      scopes: ["applications:update"],
      body: BODY,
      answer: ApplicationAnswer,
      isVersioned: true,
      event: { ...EVENT, action: "UPDATE" },
    },
    async (call) => {
      const { application: body } = call.body;
      const changeable = await getChangeable(call, body);
      const after = await storeChange(call, changeable, body);
      const { application, place } = changeable;
      const { applicationId } = application.key;
      const about = { id: applicationId, facts: { changed: listChanged(application.settings, after) } };
      const changed = { ...application, settings: after };
      const secret = openSecretFor(call, changed, secretRulesOf(place, after));
      if (secret !== undefined) call.record(readEventOf(applicationId));
      const value = answerOf(changed, secret);
      return { value, version: application.version + 1, about };
    },
  ),
  writes(
    {
      name: "DeleteApplication",
      method: "DELETE",
      path: APPLICATION,
      tag: TAG,
      summary: "Deletes an application; its tokens end with it.",
      scopes: ["applications:delete"],
      isVersioned: true,
      event: { ...EVENT, action: "DELETE" },
    },
    async (call) => {
      const { key } = (await getChangeable(call)).application;
      await deleteApplication(call.db, key, call.nowMs);
      return { value: undefined, about: { id: key.applicationId } };
    },
  ),
  creates(
    {
      name: "RotateApplicationSecret",
      method: "POST",
      path: `${APPLICATION}:rotateSecret`,
      tag: TAG,
      summary: "Gives an application a new secret; the old one stays good for the seconds asked for, none by default.",
      scopes: ["applications:update"],
      body: RotateSecretBody,
      answer: ApplicationAnswer,
      refusals: ["conflict"],
      // Tried again after a lost answer, it would end the overlap of the secret that clients still use.
      isCreate: true,
      isVersioned: true,
      event: { ...EVENT, action: "UPDATE" },
    },
    async (call) => {
      const { db, nowMs } = call;
      const { overlap_seconds: overlap = 0 } = call.body;
      const application = await getHeld(call);
      const { key, settings } = application;
      const place = await readPlaceOf(call, [settings]);
      demandPowerOver(call.caller, place, { id: key.applicationId, before: settings });
      if (application.secret === undefined) throw new ManagementError("conflict", "a public application has no secret");
      const secret = makeSecret(call, key, place);
      const now = Math.floor(nowMs / 1000) + place.clockOffsetSeconds;
      const previousValidUntil = overlap === 0 ? undefined : now + overlap;
      await updateApplicationSecret(db, key, { ...secret, previousValidUntil }, nowMs);
      const facts = { changed: ["client_secret"], overlap_seconds: overlap };
      const value = answerOf(application, secret.text);
      return { value, version: application.version + 1, about: { id: key.applicationId, facts } };
    },
    READ_AGAIN,
  ),
  ...USAGE_OPERATIONS,
] as const;

function showApplication(call: Call<unknown, unknown>): Promise<Outcome<ApplicationAnswer>> {
  return show(call, (events) => recordEventsAlone(call, events));
}

// Reference 6 #70: whoever was shown a secret is on record before it is shown.
async function show(
  call: Call<unknown, unknown>,
  record: (events: readonly EventDraft[]) => Promise<void>,
): Promise<Outcome<ApplicationAnswer>> {
  const key = keyOf(call);
  const [application, rules] = await Promise.all([
    findApplication(call.db, key),
    readSecretRulesOf(call.db, realmOf(call)),
  ]);
  if (application === undefined) throw notFound("Application", key.applicationId);
  const secret = openSecretFor(call, application, rules);
  if (secret !== undefined) await record([readEventOf(key.applicationId)]);
  return { value: answerOf(application, secret), version: application.version };
}

function readEventOf(id: string): EventDraft {
  return { ...EVENT, action: "READ", id, facts: { shown: ["client_secret"] } };
}
