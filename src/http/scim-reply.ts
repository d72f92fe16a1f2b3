import type { ManagementError } from "./management-error.ts";
import { type HttpReply, jsonReply } from "./route.ts";

const ERROR = "urn:ietf:params:scim:api:messages:2.0:Error";
const MEDIA_TYPE = "application/scim+json; charset=utf-8";

/** A reply of SCIM's media type (RFC 7644 §3.1). */
export function scimReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return jsonReply(status, value, { ...headers, "content-type": MEDIA_TYPE });
}

/** An error in SCIM's shape (RFC 7644 §3.12): its status is a text. */
export function scimErrorReply(error: ManagementError): HttpReply {
  const scimType = error.scimType ?? typeOf(error);
  const type = scimType === undefined ? {} : { scimType };
  return scimReply(
    error.status,
    { schemas: [ERROR], status: String(error.status), ...type, detail: tell(error) },
    error.headers,
  );
}

function typeOf(error: ManagementError): string | undefined {
  if (error.code !== "bad_request") return undefined;
  const fields = fieldsOf(error);
  if (fields.some(({ field }) => field === "filter")) return "invalidFilter";
  return fields.length > 0 ? "invalidValue" : "invalidSyntax";
}

function tell(error: ManagementError): string {
  const problems = fieldsOf(error).map(({ field, description }) =>
    field === "" ? description : `${field}: ${description}`,
  );
  return problems.length > 0 ? problems.join("; ") : error.message;
}

function fieldsOf({ details }: ManagementError) {
  return details.flatMap((detail) => (detail.type === "FieldViolations" ? detail.field_violations : []));
}
