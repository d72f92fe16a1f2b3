import { type TSchema, Type } from "typebox";
import type { AuthOperation } from "../../http/openapi/auth-operation.ts";
import { JWT_LENGTH_MAX } from "../../protocol/compact-jwt.ts";

const TAG = "Login pages of an application";
const REALM = "/v1/tenants/{tenant}/realms/{realm}";
const TRANSACTION = `/authenticator${REALM}/transactions/{transaction}`;
const JOB = `${REALM}/identities/{identity}/credential-binding-jobs/{job}`;
const TYPED_LENGTH_MAX = 1_024;
const TOKEN_LENGTH_MAX = 128;

const closed = { additionalProperties: false };
const typed = (description: string) => Type.String({ maxLength: TYPED_LENGTH_MAX, description });
const request = Type.String({
  minLength: 1,
  maxLength: JWT_LENGTH_MAX,
  description: "The `request` of the page's newest address.",
});
const token = Type.String({ minLength: 1, maxLength: TOKEN_LENGTH_MAX, description: "The `token` of the link." });
const credential = Type.Object({}, { description: "What the browser made, as JSON (WebAuthn Level 3 §5.1)." });

/** What an application's own page sends. */
export const RequestBody = Type.Object({ request }, closed);
export const AssertionBody = Type.Object({ request, credential }, closed);
export const AddressBody = Type.Object(
  { request, email: typed("Whom the code is mailed to, if it is somebody.") },
  closed,
);
export const CodeBody = Type.Object({ request, code: typed("Six digits.") }, closed);
export const BeginBindingBody = Type.Object({ token }, closed);
export const FinishBindingBody = Type.Object({ token, credential }, closed);

const Named = Type.Object({ id: Type.String(), display_name: Type.String() });
const Context = Type.Object({
  config: Type.Object({
    id: Type.String(),
    tenant_id: Type.String(),
    realm_id: Type.String(),
    config: Type.Object({
      type: Type.String(),
      authentication_methods: Type.Array(Type.Object({ type: Type.String() })),
    }),
  }),
  origin: Type.Object({ ip: Type.String(), ua: optional(""), ref: optional("") }),
  application: Named,
  auth_url: Type.String({ description: "The page's address." }),
});
const NextStep = Type.Object({ url: Type.String({ description: "The page's address for the next step." }) });
const REDIRECT = "Where the browser goes on to. It has a secret that works once.";
const Authenticated = Type.Object({ redirect_url: Type.String({ description: REDIRECT }) });
const Redeemed = Type.Object({
  redirect_url: optional(REDIRECT),
  passkey_binding_token: optional("For exchangeBindingToken, where the person has no passkey here yet."),
  url: optional("After a wrong code: the page's address for the next try."),
});
const Bound = Type.Object({
  passkey: Type.Object({ id: Type.String(), key_handle: Type.String(), state: Type.String(), identity: Named }),
  post_binding_redirect_uri: optional("Where the job says that the browser goes on to."),
});
const Link = Type.Object({ credential_binding_link: Type.String({ description: "For beginBinding; it works once." }) });
/** A dictionary of WebAuthn as JSON. */
const Options = Type.Object({ challenge: Type.String() }, { additionalProperties: true });

const REFUSED = {
  400: "The request cannot be used, or not any more; or what was sent is not accepted, in one wording.",
  403: "The authenticator config does not trust the page's origin, or the policy of the realm denies it.",
  503: "The server cannot answer now; nothing was done.",
};
const LINK_REFUSED = { ...REFUSED, 404: "There is no such link.", 410: "The link was used, or is over." };
const open = { method: "POST", tag: TAG, security: [] } as const;

/** What pages of an application call, for the reference (reference 3.3 and 3.5). */
export const EMBEDDED_OPERATIONS = {
  context: {
    ...open,
    name: "authenticationContext",
    path: `/authenticator${REALM}/authentication-context`,
    summary: "Tells a page what the login takes, before anybody is known.",
    json: RequestBody,
    answer: Context,
    statuses: REFUSED,
  },
  options: {
    ...open,
    name: "assertionOptions",
    path: `${TRANSACTION}/assertion-options`,
    summary: "The options of navigator.credentials.get (WebAuthn Level 3 §5.5); they name no passkey.",
    json: RequestBody,
    answer: Options,
    statuses: REFUSED,
  },
  assertion: {
    ...open,
    name: "assertion",
    path: `${TRANSACTION}:assertion`,
    summary: "Logs in by a passkey.",
    json: AssertionBody,
    answer: Authenticated,
    statuses: REFUSED,
  },
  sendCode: {
    ...open,
    name: "sendCode",
    path: `${TRANSACTION}:send-code`,
    summary: "Has a code mailed. The answer is the same for every address.",
    json: AddressBody,
    answer: NextStep,
    statuses: REFUSED,
  },
  redeemCode: {
    ...open,
    name: "redeemCode",
    path: `${TRANSACTION}:redeem-code`,
    summary: "Logs in by a code; a wrong one is answered with the address of the next try.",
    json: CodeBody,
    answer: Redeemed,
    statuses: REFUSED,
  },
  beginBinding: {
    ...open,
    name: "beginBinding",
    path: `${JOB}:beginBinding`,
    summary: "The options of navigator.credentials.create (WebAuthn Level 3 §5.4) for the person of a link.",
    json: BeginBindingBody,
    answer: Options,
    statuses: LINK_REFUSED,
  },
  finishBinding: {
    ...open,
    name: "finishBinding",
    path: `${JOB}:finishBinding`,
    summary: "Binds the passkey that was made, and spends the link.",
    json: FinishBindingBody,
    answer: Bound,
    statuses: LINK_REFUSED,
  },
  exchangeToken: {
    ...open,
    name: "exchangeBindingToken",
    path: `${REALM}/applications/{application}/credential-binding-jobs`,
    summary: "Gives whoever has just logged in by a code a link for a passkey.",
    description:
      "The bearer token is the passkey_binding_token that redeemCode has answered. It works once, for ten minutes.",
    security: ["bearer"],
    answer: Link,
    statuses: { 401: "The token cannot be used, or not any more.", 403: REFUSED[403], 503: REFUSED[503] },
  },
} as const satisfies Readonly<Record<string, AuthOperation>>;

function optional(description: string): TSchema {
  return Type.Optional(Type.String(description === "" ? {} : { description }));
}
