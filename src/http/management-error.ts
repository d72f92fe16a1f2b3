import type { QuotaReached } from "../database/database-error.ts";

const STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  unprocessable_entity: 422,
  too_many_requests: 429,
  request_header_fields_too_large: 431,
  internal_server_error: 500,
  service_unavailable: 503,
} as const;

/** The `code` values of the management API: the status's name (reference 2.1). */
export type ManagementErrorCode = keyof typeof STATUS;

/** Every code. */
export const MANAGEMENT_ERROR_CODES = Object.keys(STATUS).filter(isManagementErrorCode);

/** Whether a text is a code of the management API. */
function isManagementErrorCode(text: string): text is ManagementErrorCode {
  return Object.hasOwn(STATUS, text);
}

/** The status that a code is answered with. */
export function statusOfCode(code: ManagementErrorCode): number {
  return STATUS[code];
}

/** A field that breaks a rule; the path includes the body's wrapper, as in `realm.display_name`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export type ManagementErrorDetail =
  | { readonly type: "FieldViolations"; readonly field_violations: readonly FieldViolation[] }
  | {
      readonly type: "ResourceInfo";
      readonly resource_type: string;
      readonly id: string;
      readonly description: string;
    }
  | {
      readonly type: "BatchOperationErrors";
      readonly description: string;
      /** the members begin with capitals, as the origin's do (reference 2.1) */
      readonly errors: readonly {
        readonly Description: string;
        readonly IDs: readonly string[];
        readonly ResourceType: string;
      }[];
    };

/** A request that the management API refuses. */
export class ManagementError extends Error {
  readonly code: ManagementErrorCode;
  readonly details: readonly ManagementErrorDetail[];
  readonly headers: Readonly<Record<string, string>>;
  /** what SCIM calls it (RFC 7644 §3.12), where its code and details do not say it */
  readonly scimType: string | undefined;

  constructor(
    code: ManagementErrorCode,
    message: string,
    options: {
      details?: readonly ManagementErrorDetail[];
      headers?: Readonly<Record<string, string>>;
      scimType?: string;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "ManagementError";
    this.code = code;
    this.details = options.details ?? [];
    this.headers = options.headers ?? {};
    this.scimType = options.scimType;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/** 400 that names each field and its rule. */
export function fieldViolations(violations: readonly FieldViolation[]): ManagementError {
  return new ManagementError("bad_request", "invalid parameters", {
    details: [{ type: "FieldViolations", field_violations: violations }],
  });
}

/** 404 for an operation on several objects, of which these are not there. */
export function someNotFound(resourceType: string, ids: readonly string[]): ManagementError {
  const description = `${wordsOf(resourceType)} not found`;
  return new ManagementError("not_found", description, {
    details: [
      {
        type: "BatchOperationErrors",
        description: "nothing was done",
        errors: [{ Description: description, IDs: ids, ResourceType: resourceType }],
      },
    ],
  });
}

function wordsOf(resourceType: string): string {
  return resourceType.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

/** 404 `<kind> not found`. */
export function notFound(resourceType: string, id: string): ManagementError {
  const words = wordsOf(resourceType);
  return new ManagementError("not_found", `${words} not found`, {
    details: [{ type: "ResourceInfo", resource_type: resourceType, id, description: `${words} not found` }],
  });
}

/** 409 for what would pass a quota of the tenant: which, how many it may have, and how many it has. */
export function quotaReached({ quota, limit, present }: QuotaReached, cause: unknown): ManagementError {
  const description = `the tenant may have ${limit} and has ${present}; its operator can change that`;
  return new ManagementError("conflict", `the quota ${quota} is reached`, {
    details: [{ type: "ResourceInfo", resource_type: "Quota", id: quota, description }],
    cause,
  });
}
