import type { GrantType } from "../../protocol/access-token.ts";
import type { ApplicationContext, ClientMetadata } from "../../protocol/client-metadata.ts";
import type { RequestParameters } from "../../protocol/parameters.ts";
import type { ScopeVerdict } from "../../protocol/scope.ts";
import type { CurrentApplication } from "../../resources/application/queries.ts";
import type { GrantFacts, RevocationReason } from "../../resources/grant/queries.ts";
import type { GrantAdvance, MovedUses, NewToken } from "../../resources/token-issue/queries.ts";
import type { Services } from "../services.ts";

/** A token request after the shared phases: everything is parsed, the client is authenticated and may use the grant. */
export interface TokenRequest {
  readonly services: Services;
  readonly context: ApplicationContext;
  /** what all of it was decided on; `context` is its */
  readonly basis: CurrentApplication;
  readonly parameters: RequestParameters;
  readonly traceId: Uint8Array;
  /** seconds of tenant time */
  readonly now: number;
  /** `scope`, parsed; undefined when it was not sent */
  readonly scope: readonly string[] | undefined;
  readonly expirationTime: number | undefined;
  /** how often the token may be used; undefined: as often as it is wanted (rule 17) */
  readonly maxUses: number | undefined;
  /** seconds of tenant time from which it is valid; undefined: from now on (rule 28) */
  readonly notBefore: number | undefined;
  readonly customClaims: string | undefined;
  readonly tokenName: string | undefined;
  readonly codeVerifier: string | undefined;
}

/** A refresh token to be made with this response: the generation it names, and the grant's next state once its hash is known. */
export interface RefreshPlan {
  readonly generation: number;
  readonly expiresAt: number;
  readonly macKey: Uint8Array;
}

/** What a grant allows a token request to have. */
export interface Authorization {
  readonly outcome: "authorized";
  readonly subject: string;
  readonly scope: ScopeVerdict;
  readonly identityId: string | undefined;
  readonly sessionId: string;
  readonly transactionId: string;
  readonly customClaims: string | undefined;
  /** seconds of tenant time at which what this token hangs on ends; the ceiling `parent` */
  readonly parentExpiresAt: number | undefined;
  readonly consentSeconds: number | undefined;
  /** for whom it is, where that is not what its application is linked to: whose ceilings apply */
  readonly target?: Pick<ApplicationContext, "resourceServer"> | undefined;
  readonly grant?: GrantFacts | undefined;
  /** what a token has of the one that it is exchanged from, instead of its application */
  readonly inherited?: Inherited | undefined;
  /** what its answer calls it (RFC 8693 §2.2.1) */
  readonly issuedTokenType?: string | undefined;
  /** uses that go over from that one; what the request asks for, or one */
  readonly movedUses?: MovedUses | undefined;
  readonly refresh?: RefreshPlan | undefined;
  /** the grant's next state, given the hash and suffix of a new refresh token if one is made; undefined: nothing is spent */
  readonly advance?: ((made: MadeRefreshToken | undefined) => GrantAdvance) | undefined;
  /** whether the grant remembers new custom claims although nothing of it is spent */
  readonly rememberClaims?: boolean | undefined;
  /** `nonce` for the ID token; the ID token itself follows from the scope */
  readonly nonce?: string | undefined;
  /** for the decision: what was compared and found */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What a token has of the one that it is exchanged from (rule 16). */
export type Inherited = Pick<
  NewToken,
  "resourceServerId" | "grantId" | "audience" | "targetRealm" | "ancestors" | "actor" | "hidesPerson"
>;

export interface MadeRefreshToken {
  readonly hash: Uint8Array;
  readonly suffix: string;
}

/** A spent code or refresh token was presented again: the family ends, and the client learns only `invalid_grant` (house rule 6). */
export interface ReuseFound {
  readonly outcome: "reuse";
  readonly grant: GrantFacts;
  readonly reason: RevocationReason;
  readonly detail: string;
}

/** One grant type: only what is unique to it. The shared phases are `oauth/token.ts`'s. */
export interface Grant {
  readonly grantType: GrantType;
  /** parameters that may be sent more than once; those of other grants are in `lists` with one value at most */
  readonly repeatable?: readonly string[];
  /** whether an application's configuration allows it; discovery reads this too */
  isAllowed(client: ClientMetadata): boolean;
  /** Decides what may be issued. Throws OAuthError; consumes nothing. */
  authorize(request: TokenRequest): Promise<Authorization | ReuseFound>;
  /** Decides what would be issued by what the request says in place of a code or a token (rule 28). Throws OAuthError; writes nothing. */
  foresee(request: TokenRequest): Promise<Foreseen>;
}

/** What a request would have, were its code or token there. */
export interface Foreseen {
  readonly authorization: Authorization;
  /** how many seconds the refresh token beside it would live; undefined: there would be none */
  readonly refreshSeconds?: number | undefined;
}
