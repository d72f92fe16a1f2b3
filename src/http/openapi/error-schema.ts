import { Type } from "typebox";
import { MANAGEMENT_ERROR_CODES } from "../management-error.ts";

const closed = { additionalProperties: false } as const;
const word = (text: string) => Type.Unsafe<string>({ type: "string", enum: [text] });

/** Which members of the request break a rule. */
export const FieldViolations = Type.Object(
  {
    type: word("FieldViolations"),
    field_violations: Type.Array(Type.Object({ field: Type.String(), description: Type.String() }, closed)),
  },
  closed,
);
/** What the error is about. */
export const ResourceInfo = Type.Object(
  { type: word("ResourceInfo"), resource_type: Type.String(), id: Type.String(), description: Type.String() },
  closed,
);
/** Which of several objects an operation failed for; the members begin with capitals, as the origin's do. */
export const BatchOperationErrors = Type.Object(
  {
    type: word("BatchOperationErrors"),
    description: Type.String(),
    errors: Type.Array(
      Type.Object({ Description: Type.String(), IDs: Type.Array(Type.String()), ResourceType: Type.String() }, closed),
    ),
  },
  closed,
);

/** The shape of errors of SCIM's operations (RFC 7644 §3.12). */
export const ScimErrorAnswer = Type.Object(
  {
    schemas: Type.Array(Type.String()),
    status: Type.String({ pattern: "^[45][0-9]{2}$" }),
    scimType: Type.Optional(Type.String()),
    detail: Type.String(),
  },
  closed,
);

/** The one shape of all other errors of the management API (reference 2.1). */
export const ErrorAnswer = Type.Object(
  {
    code: Type.Unsafe<string>({ type: "string", enum: MANAGEMENT_ERROR_CODES, description: "the status's name" }),
    message: Type.String(),
    details: Type.Optional(Type.Array(Type.Union([FieldViolations, ResourceInfo, BatchOperationErrors]))),
    trace_id: Type.String({ pattern: "^[0-9a-f]{32}$", description: "names the request in the log and in decisions" }),
  },
  closed,
);
