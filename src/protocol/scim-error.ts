/** What SCIM calls an error, of those that bodies are refused with (RFC 7644 §3.12, table 9). */
export type ScimErrorType =
  | "invalidFilter"
  | "tooMany"
  | "mutability"
  | "invalidSyntax"
  | "invalidPath"
  | "noTarget"
  | "invalidValue";

/** A SCIM body that cannot be read or done as it stands. `message` names the attribute and the rule. */
export class ScimError extends Error {
  readonly scimType: ScimErrorType;

  constructor(scimType: ScimErrorType, message: string) {
    super(message);
    this.name = "ScimError";
    this.scimType = scimType;
  }
}
