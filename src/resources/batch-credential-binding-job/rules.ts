import { checkBindingTarget } from "../credential-binding-job/rules.ts";
import { type Checked, createBodyReader } from "../settings.ts";
import { type BatchBody, BatchSettings, type BatchState } from "./schema.ts";

/** Most jobs of a realm that wait to be made (reference 2.3). */
export const QUEUED_MAX = 1_000;
/** So often a job is tried that cannot be made. */
export const TRIES_MAX = 5;
const RETRY_MS = 60_000;
/** When a job is due whose mail is on its way: never, what becomes of the mail settles it. */
export const MAIL_ON_ITS_WAY_MS = Number.MAX_SAFE_INTEGER;

const NOUN = "batch_credential_binding_job";
const read = createBodyReader(NOUN, BatchSettings);

/** The settings of a new batch, each identity once, or what is wrong with them. */
export function createBatch(body: BatchBody): Checked<BatchSettings> {
  const template = body.job_template;
  const whole = template && { ...template, delivery_method: template.delivery_method ?? ("EMAIL" as const) };
  const checked = read.create({}, whole === undefined ? body : { ...body, job_template: whole });
  if (!checked.ok) return checked;
  const { identity_ids, job_template } = checked.value;
  const target = checkBindingTarget(`${NOUN}.job_template`, job_template);
  if (!target.ok) return target;
  return {
    ok: true,
    value: { identity_ids: [...new Set(identity_ids)], job_template: { ...job_template, ...target.value } },
  };
}

/** How many results a batch has of each kind. */
export interface ResultCounts {
  readonly pending: number;
  readonly success: number;
  readonly failure: number;
}

/** The state of a batch, by what became of its jobs. */
export function batchState({ pending, success, failure }: ResultCounts): BatchState {
  if (pending > 0) return "RUNNING";
  if (failure === 0) return "SUCCESS";
  return success === 0 ? "FAILED" : "PARTIAL_SUCCESS";
}

/** When a job that was just tried for the nth time may be tried again: after one minute, two, four, eight. */
export function nextTryAtMs(tries: number, nowMs: number): number {
  return nowMs + RETRY_MS * 2 ** (tries - 1);
}
