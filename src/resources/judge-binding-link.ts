import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import type { PageSurroundings } from "../http/pages.ts";
import { equalBytes, sha256 } from "../platform/hash.ts";
import { covers } from "../protocol/authority.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import { isLinkToken } from "../protocol/opaque-token.ts";
import type { AuthenticatorSettings } from "./authenticator-config/schema.ts";
import { readPowerOf } from "./authority/queries.ts";
import { findOpenedLink } from "./binding-place/queries.ts";
import type { BindingJob, BindingJobKey } from "./credential-binding-job/queries.ts";
import { isLinkUsable } from "./credential-binding-job/rules.ts";
import { pageThemeOf } from "./theme/rules.ts";

/** What the link of a credential binding job names, and the token that it brings. */
export interface PresentedLink {
  readonly key: BindingJobKey;
  readonly identityId: string;
  readonly token: string;
}

/** What is written in a link. */
export interface LinkText {
  readonly identityId: string | undefined;
  readonly jobId: string | undefined;
  readonly token: string | undefined;
}

/** Reads a link; undefined for what can be none. */
export function readLink(realm: RealmKey | undefined, text: LinkText): PresentedLink | undefined {
  const { identityId = "", jobId = "", token = "" } = text;
  if (realm === undefined || !HEX_ID.test(identityId) || !HEX_ID.test(jobId) || !isLinkToken(token)) return undefined;
  return { key: { ...realm, jobId }, identityId, token };
}

/** How the pages look that a link leads to: those of its realm, if there is one. */
export type LinkLook = Pick<PageSurroundings, "theme" | "isTestTenant">;

/** What a presented link is worth: `unknown` says the same of every link that brings no true token. */
export type JudgedLink =
  | { readonly kind: "unknown" | "over"; readonly look: LinkLook }
  | {
      readonly kind: "usable";
      readonly look: LinkLook;
      readonly job: BindingJob;
      readonly config: AuthenticatorSettings;
      /** seconds of tenant time */
      readonly now: number;
    };

/** Judges a link as things are at this moment. */
export async function judgeLink(
  { clock }: Pick<Deps, "clock">,
  db: Queryable,
  { key, identityId, token }: PresentedLink,
): Promise<JudgedLink> {
  const link = await findOpenedLink(db, key, identityId);
  if (link === undefined) return { kind: "unknown", look: { isTestTenant: false } };
  const { job, config, isActive, isTestTenant } = link;
  const look = { theme: pageThemeOf(link.theme), isTestTenant };
  if (job === undefined || !equalBytes(job.tokenHash, sha256(token))) return { kind: "unknown", look };
  const now = clock.nowSeconds() + job.clockOffsetSeconds;
  if (config === undefined || !isActive || !isLinkUsable(job, now)) return { kind: "over", look };
  // Rule 1, once more: the person may have been given power that whoever made the link did not hold.
  const power = await readPowerOf(db, key, { identityIds: [identityId] });
  if (power !== undefined && !covers(job.creator, power)) return { kind: "over", look };
  return { kind: "usable", look, job, config, now };
}
