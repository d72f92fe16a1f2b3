import type { FieldViolation } from "../../http/management-error.ts";
import { checkRegisteredRedirectUri } from "../../protocol/redirect-uri.ts";
import { createAuthenticatorConfig } from "../authenticator-config/rules.ts";
import { type Checked, createBodyReader } from "../settings.ts";
import {
  type BindingJobBody,
  BindingJobSettings,
  type BindingTarget,
  type JobState,
  type StoredJobState,
} from "./schema.ts";

/** A link may be used for seven days of tenant time. */
export const BINDING_LIFETIME_SECONDS = 604_800;

/** The states in which a job waits for its person. */
export const OPEN_STATES: readonly StoredJobState[] = ["LINK_SENT", "LINK_OPENED", "REQUEST_DELIVERED"];

const read = createBodyReader("job", BindingJobSettings);

/** The settings of a new job, or what is wrong with them. */
export function createBindingJob(body: BindingJobBody): Checked<BindingJobSettings> {
  const checked = read.create({}, body);
  if (!checked.ok) return checked;
  const target = checkBindingTarget("job", checked.value);
  return target.ok ? { ok: true, value: { ...checked.value, ...target.value } } : target;
}

/**
 * Judges where a credential is to be bound: by exactly one authenticator, and back to a URI that a browser may follow (rule 22).
 *
 * @param path of the body's member, for violations
 * @returns the target, with what is the default of an authenticator of its own
 */
export function checkBindingTarget(path: string, target: BindingTarget): Checked<BindingTarget> {
  const { authenticator_config_id, authenticator_config, post_binding_redirect_uri: uri } = target;
  const violations: FieldViolation[] = [];
  const reason = uri === undefined ? undefined : checkRegisteredRedirectUri(uri, "public");
  if (reason !== undefined) violations.push({ field: `${path}.post_binding_redirect_uri`, description: reason });
  if ((authenticator_config_id === undefined) === (authenticator_config === undefined)) {
    const description =
      authenticator_config === undefined
        ? "missing"
        : "must not stand beside authenticator_config: name one of the two";
    violations.push({ field: `${path}.authenticator_config_id`, description });
  }
  const own = authenticator_config === undefined ? undefined : checkOwn(path, authenticator_config);
  if (own?.ok === false) violations.push(...own.violations);
  if (violations.length > 0) return { ok: false, violations };
  return { ok: true, value: own?.ok === true ? { ...target, authenticator_config: own.value } : target };
}

type OwnConfig = NonNullable<BindingTarget["authenticator_config"]>;

// A page of ours is one for all who use it, so it is named by its id (reference 2.3).
function checkOwn(path: string, { config }: OwnConfig): Checked<OwnConfig> {
  if (config.type !== "embedded") {
    const field = `${path}.authenticator_config.config.type`;
    return { ok: false, violations: [{ field, description: "must be embedded: others are named by their id" }] };
  }
  const checked = createAuthenticatorConfig({ config }, { isAdmin: false });
  if (checked.ok) return { ok: true, value: { config: checked.value.config } };
  const violations = checked.violations.map(({ field, description }) => ({ field: `${path}.${field}`, description }));
  return { ok: false, violations };
}

/** What the end of a job is judged by. */
export interface JobProgress {
  readonly state: StoredJobState;
  /** seconds of tenant time */
  readonly expiresAt: number;
}

/** A job's state at an instant, in seconds of tenant time. */
export function stateAt({ state, expiresAt }: JobProgress, now: number): JobState {
  return expiresAt <= now && OPEN_STATES.includes(state) ? "EXPIRED" : state;
}

/** Whether a job's link may be used at an instant, in seconds of tenant time: once something was bound by it, it may not. */
export function isLinkUsable(progress: JobProgress, now: number): boolean {
  const state = stateAt(progress, now);
  return OPEN_STATES.some((open) => open === state);
}

/** The person that a job is for, as far as it matters whether there may be one. */
export interface Invited {
  readonly status: "active" | "suspended";
  readonly address: string | undefined;
}

/** Why a person cannot be invited, in the reference's words; undefined if nothing stands in the way. */
export function whyNotInvited({ status, address }: Invited, isMailed: boolean): string | undefined {
  if (status !== "active") return "Identity is not active";
  return isMailed && !address ? "Identity missing email address" : undefined;
}
