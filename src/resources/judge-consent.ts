import type { Queryable } from "../database/database.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import {
  type ConsentNeed,
  type ConsentTerms,
  consentTerms,
  decideConsent,
  type GivenConsent,
  needsConsent,
} from "../protocol/consent.ts";
import { negotiateAuthorizeScope, type ScopeVerdict } from "../protocol/scope.ts";
import type { AuthorizeParameters } from "./authorization-request/schema.ts";
import { findConsent } from "./consent/queries.ts";
import { readRoleScopes } from "./identity/queries.ts";

/** A person and what a client asks of them. */
export interface AskedOfPerson {
  readonly identityId: string;
  readonly parameters: Pick<AuthorizeParameters, "scope" | "claims" | "prompts">;
}

/** What a login needs of its person before the client gets anything. */
export interface JudgedConsent {
  readonly need: ConsentNeed;
  /** by what the login goes on, where the person was asked before and is not asked now */
  readonly given?: GivenConsent;
  /** what the person is to agree to */
  readonly terms?: ConsentTerms;
}

/** Finds out whether this person is to be asked for what a request gives its client. */
export async function judgeConsent(
  db: Queryable,
  context: ApplicationContext,
  asked: AskedOfPerson,
): Promise<JudgedConsent> {
  const { prompts, scope } = asked.parameters;
  const wish = { setting: context.client.consent, prompts, scope: scope ?? [] };
  if (!needsConsent(wish)) return { need: "unasked" };
  const terms = await readTerms(db, context, asked);
  const earlier = await findConsent(db, { ...context.key, identityId: asked.identityId });
  const need = decideConsent({ ...wish, scope: terms.scope }, terms, earlier);
  if (need === "ask") return { need, terms };
  return { need, ...(need === "remembered" && earlier !== undefined && { given: rememberedAs(terms, earlier) }) };
}

/** What a request gives its client, if this person agrees. */
export async function readTerms(
  db: Queryable,
  context: ApplicationContext,
  asked: AskedOfPerson,
): Promise<ConsentTerms> {
  const { scope } = await negotiateScope(db, context, asked);
  return consentTerms(context, { scope, claims: asked.parameters.claims });
}

/** Of what a client asks for, what it may have of this person by its own configuration and the person's roles. */
export async function negotiateScope(
  db: Queryable,
  { key, client }: ApplicationContext,
  { parameters, identityId }: AskedOfPerson,
): Promise<ScopeVerdict> {
  const { resourceServerId } = client;
  const held = resourceServerId === undefined ? undefined : await readRoleScopes(db, key, identityId, resourceServerId);
  return negotiateAuthorizeScope({
    requested: parameters.scope,
    applicationType: client.type,
    offlineAccess: client.refresh.enabled,
    allowedScopes: client.allowedScopes,
    roleScopes: held === undefined ? undefined : [...held],
  });
}

/** The terms of this login, at the times that were chosen when the person was asked. */
function rememberedAs(terms: ConsentTerms, earlier: ConsentTerms): GivenConsent {
  const { maximumSeconds, renewalSeconds } = earlier;
  return { ...terms, maximumSeconds, renewalSeconds, isRemembered: true };
}
