import { CONFIGURATION_PAGE_SIZES } from "../../http/list-query.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { uuid } from "../../platform/random.ts";
import { READ_ONLY } from "../answer-parts.ts";
import { readSecretRulesOf } from "../application-place/queries.ts";
import { type Call, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { newClientId } from "../credentials.ts";
import { type EventDraft, type EventKind, listChanged, recordEvents } from "../event-draft.ts";
import { lists } from "../list-operation.ts";
import { reads, writes } from "../operations.ts";
import {
  answerOf,
  demandPowerOver,
  getHeld,
  keyOf,
  makeSecret,
  openSecretFor,
  readPlaceOf,
  refuseManaged,
} from "./found-application.ts";
import {
  countApplications,
  deleteApplication,
  findApplication,
  insertApplication,
  listApplications,
  updateApplicationSecret,
  updateApplicationSettings,
} from "./queries.ts";
import { createApplication, updateApplication } from "./rules.ts";
import { ApplicationAnswer, ApplicationBody, RotateSecretBody } from "./schema.ts";

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

/** The operations of applications (reference 2.2). */
export const APPLICATION_OPERATIONS = [
  writes(
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
    async (call) => {
      const key = keyOf(call);
      const [application, rules] = await Promise.all([
        findApplication(call.db, key),
        readSecretRulesOf(call.db, realmOf(call)),
      ]);
      if (application === undefined) throw notFound("Application", key.applicationId);
      const secret = openSecretFor(call, application, rules);
      if (secret !== undefined) await recordReads(call, [key.applicationId]);
      return { value: answerOf(application, secret), version: application.version };
    },
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
          return recordReads(
            call,
            shown.map(({ application }) => application.key.applicationId),
          );
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
      const { db, nowMs } = call;
      const { application: body } = call.body;
      const application = await getHeld(call);
      refuseManaged(application);
      const before = application.settings;
      const place = await readPlaceOf(call, [before, body]);
      demandPowerOver(call.caller, place, { before });
      const after = demandValid(updateApplication(before, body, place));
      demandPowerOver(call.caller, place, { before, after });
      await updateApplicationSettings(db, application.key, after, nowMs);
      const about = { id: application.key.applicationId, facts: { changed: listChanged(before, after) } };
      const value = answerOf({ ...application, settings: after }, undefined);
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
      const { db, nowMs } = call;
      const application = await getHeld(call);
      refuseManaged(application);
      const { settings, key } = application;
      demandPowerOver(call.caller, await readPlaceOf(call, [settings]), { before: settings });
      await deleteApplication(db, key, nowMs);
      return { value: undefined, about: { id: key.applicationId } };
    },
  ),
  writes(
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
      demandPowerOver(call.caller, place, { before: settings });
      if (application.secret === undefined) throw new ManagementError("conflict", "a public application has no secret");
      const secret = makeSecret(call, key, place);
      const now = Math.floor(nowMs / 1000) + place.clockOffsetSeconds;
      const previousValidUntil = overlap === 0 ? undefined : now + overlap;
      await updateApplicationSecret(db, key, { ...secret, previousValidUntil }, nowMs);
      const facts = { changed: ["client_secret"], overlap_seconds: overlap };
      const value = answerOf(application, secret.text);
      return { value, version: application.version + 1, about: { id: key.applicationId, facts } };
    },
  ),
] as const;

// Reference 6 #70: whoever was shown a secret is on record before it is shown.
async function recordReads(call: Call<unknown, unknown>, ids: readonly string[]): Promise<void> {
  const read = (id: string): EventDraft => ({ ...EVENT, action: "READ", id, facts: { shown: ["client_secret"] } });
  await recordEvents(call, ids.map(read));
}
