// What a login page of an application itself needs of Mayfly: a small module, without state but what this browser remembers of its passkeys.
import { startAuthentication, startRegistration } from "@simplewebauthn/browser";

/**
 * @typedef {object} Config
 * @property {readonly string[]} [allowedDomains] hosts of Mayfly, each with what is below it; by default the one that this module was loaded
 *   from. Every other is refused: a page must not be made to show its passkeys to a stranger.
 * @property {(message: string) => void} [logger] told of each call, without anything secret
 */

/**
 * A passkey that was made in this browser, as far as this page remembers.
 *
 * @typedef {object} Passkey
 * @property {string} id
 * @property {string} localCreated when this browser noted it
 * @property {string} localUpdated
 * @property {string} apiBaseUrl
 * @property {string} keyHandle the authenticator's name of it, base64url
 * @property {"webauthn"} keyType
 * @property {"Active" | "Revoked"} state as it was when it was noted
 * @property {string} created
 * @property {string} updated
 * @property {{ id: string, displayName: string }} tenant
 * @property {{ id: string, displayName: string }} realm
 * @property {{ id: string, displayName: string, username: string, primaryEmailAddress?: string }} identity
 * @property {{ logoUrlLight?: string, logoUrlDark?: string, supportUrl?: string }} theme
 */

/** @typedef {{ passkey: Passkey, postBindingRedirectUri?: string }} BindPasskeyResponse */
/** @typedef {{ redirectUrl: string, message?: string }} AuthenticateResponse */
/** @typedef {{ url: string }} NextStep */
/** @typedef {AuthenticateResponse & { passkeyBindingToken?: string }} RedeemedOtp */

/**
 * @typedef {object} AuthenticationContext
 * @property {string} authUrl
 * @property {{ id: string, displayName: string }} application
 * @property {{ sourceIp?: string, userAgent?: string, geolocation?: string, referer?: string }} origin
 * @property {readonly { type: string }[]} authMethods
 */

/** The base of what the functions throw; what Mayfly answers is one of the classes below. */
export class MayflyError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/** The policy of the realm denies it. */
export class PolicyDenied extends MayflyError {}
/** Nobody has chosen a passkey. */
export class SelectCredentialCanceled extends MayflyError {}
/** The passkey is not known here, or does not work any more. */
export class CredentialNotFound extends MayflyError {}
/** The address is none that this function takes, or leads to a host that is not allowed. */
export class InvalidUrl extends MayflyError {}
/** Making a passkey was cancelled. */
export class BiometricsCanceled extends MayflyError {}
/** Mayfly refuses for another reason, or cannot be reached. */
export class V1ServiceError extends MayflyError {
  /**
   * @param {string} message
   * @param {number} status of HTTP; 0: there was no answer
   * @param {string} code as OAuth names errors
   */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const STORE = "mayfly.passkeys";
const LINK =
  /^(\/v1\/tenants\/[0-9a-f]{16}\/realms\/[0-9a-f]{16}\/identities\/[0-9a-f]{16}\/credential-binding-jobs\/[0-9a-f]{16}):invokeAuthenticator$/;
const ID = /^[0-9a-f]{16}$/;

/** The functions of an application's own login page. */
export class Embedded {
  #allowed;
  #log;

  /** @param {Config} config */
  constructor({ allowedDomains = [new URL(import.meta.url).hostname], logger = () => {} }) {
    this.#allowed = allowedDomains.map((domain) => domain.toLowerCase());
    this.#log = logger;
  }

  /**
   * Begins: everything else is called on what this resolves to.
   *
   * @param {Config} [config]
   */
  static async initialize(config = {}) {
    return new Embedded(config);
  }

  /**
   * Whether `bindPasskey` takes it: the link of a credential binding job, or what it leads to.
   *
   * @param {string} url
   */
  isBindPasskeyUrl(url) {
    return readBinding(url) !== undefined;
  }

  /**
   * Whether `authenticate`, `authenticateOtp` and `redeemOtp` take it.
   *
   * @param {string} url
   */
  isAuthenticateUrl(url) {
    return readTransaction(url) !== undefined;
  }

  /**
   * Makes a passkey, and remembers it.
   *
   * @param {string} url
   * @returns {Promise<BindPasskeyResponse>}
   */
  async bindPasskey(url) {
    const binding = readBinding(url);
    if (binding === undefined) throw new InvalidUrl("this is no address that binds a passkey");
    const job = this.#demandAllowed(binding.job);
    const { token } = binding;
    const optionsJSON = await this.#post(`${job}:beginBinding`, { token });
    const credential = await startRegistration({ optionsJSON }).catch((error) => {
      throw isCancelled(error) ? new BiometricsCanceled("the passkey was not made") : error;
    });
    const bound = await this.#post(`${job}:finishBinding`, { token, credential });
    const passkey = toPasskey(bound.passkey);
    remember([...recall().filter(({ id }) => id !== passkey.id), passkey]);
    const { post_binding_redirect_uri: next } = bound;
    return { passkey, ...(next === undefined ? {} : { postBindingRedirectUri: next }) };
  }

  /** The passkeys that were made at this page in this browser, as far as it remembers. */
  async getPasskeys() {
    return recall();
  }

  /**
   * Forgets a passkey here. The authenticator keeps it, and it works on; ending it is for its person or an administrator.
   *
   * @param {string} id
   */
  async deletePasskey(id) {
    remember(recall().filter((passkey) => passkey.id !== id));
  }

  /**
   * Logs in by a passkey; the browser goes on to `redirectUrl`.
   *
   * @param {string} url
   * @param {string} [passkeyId] one of `getPasskeys`; without it the person chooses among all of this page's
   * @returns {Promise<AuthenticateResponse>}
   */
  async authenticate(url, passkeyId) {
    const { at, request } = this.#transaction(url);
    const optionsJSON = await this.#post(`${at}/assertion-options`, { request });
    if (passkeyId !== undefined) optionsJSON.allowCredentials = [{ id: handleOf(passkeyId), type: "public-key" }];
    const credential = await startAuthentication({ optionsJSON }).catch((error) => {
      throw isCancelled(error) ? new SelectCredentialCanceled("no passkey was chosen") : error;
    });
    return toAuthenticated(await this.#post(`${at}:assertion`, { request, credential }));
  }

  /**
   * Has a code mailed. The answer is the same for every address.
   *
   * @param {string} url
   * @param {string} email
   * @returns {Promise<NextStep>} the address for `redeemOtp`, or to ask for another code: the one before works no more
   */
  async authenticateOtp(url, email) {
    const { at, request } = this.#transaction(url);
    const { url: next } = await this.#post(`${at}:send-code`, { request, email });
    return { url: next };
  }

  /**
   * Logs in by a code; the browser goes on to `redirectUrl`. A wrong code is answered with the address for the next try.
   *
   * @param {string} url
   * @param {string} otp
   * @returns {Promise<RedeemedOtp | NextStep>}
   */
  async redeemOtp(url, otp) {
    const { at, request } = this.#transaction(url);
    const answer = await this.#post(`${at}:redeem-code`, { request, code: otp });
    if (answer.redirect_url === undefined) return { url: answer.url };
    const { passkey_binding_token: passkeyBindingToken } = answer;
    return { ...toAuthenticated(answer), ...(passkeyBindingToken === undefined ? {} : { passkeyBindingToken }) };
  }

  /**
   * What a page may know before anybody has logged in.
   *
   * @param {string} url
   * @returns {Promise<AuthenticationContext>}
   */
  async getAuthenticationContext(url) {
    const { authenticator, request } = this.#transaction(url);
    const { auth_url, application, origin, config } = await this.#post(`${authenticator}/authentication-context`, {
      request,
    });
    return {
      authUrl: auth_url,
      application: toNamed(application),
      origin: { sourceIp: origin.ip, userAgent: origin.ua, geolocation: origin.geo, referer: origin.ref },
      authMethods: config.config.authentication_methods,
    };
  }

  /** @param {string} url */
  #transaction(url) {
    const transaction = readTransaction(url);
    if (transaction === undefined) throw new InvalidUrl("this is no address of a login");
    this.#demandAllowed(transaction.authenticator);
    const { authenticator, id, request } = transaction;
    return { authenticator, at: `${authenticator}/transactions/${encodeURIComponent(id)}`, request };
  }

  /** @param {string} address */
  #demandAllowed(address) {
    const { hostname, protocol } = new URL(address);
    const isAllowed = this.#allowed.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
    if (isAllowed && /^https?:$/.test(protocol)) return address;
    throw new InvalidUrl(`${hostname} is not among allowedDomains`);
  }

  /**
   * @param {string} address
   * @param {object} body
   */
  async #post(address, body) {
    this.#log(`POST ${address}`);
    const answer = await fetch(address, {
      method: "POST",
      body: JSON.stringify(body), // as text, which needs no preflight
      credentials: "omit",
      referrerPolicy: "no-referrer",
      redirect: "error",
    }).catch((error) => {
      throw new V1ServiceError(`Mayfly cannot be reached: ${error.message}`, 0, "unreachable");
    });
    const json = await answer.json().catch(() => ({}));
    if (answer.ok) return json;
    throw errorOf(answer.status, json);
  }
}

/**
 * @param {number} status
 * @param {Readonly<Record<string, string>>} told
 */
function errorOf(status, { error = "unknown", error_description: message = `Mayfly answered ${status}` }) {
  if (error === "access_denied") return new PolicyDenied(message);
  if (error === "invalid_grant") return new CredentialNotFound("the passkey was not accepted");
  return new V1ServiceError(message, status, error);
}

/** @param {unknown} error */
function isCancelled(error) {
  return error instanceof Error && (error.name === "NotAllowedError" || error.name === "AbortError");
}

/** @param {string} text */
function parse(text) {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/**
 * The job that a link is for: what the link itself says, or the page that it leads to.
 *
 * @param {string} text
 */
function readBinding(text) {
  const url = parse(text);
  if (url === undefined) return undefined;
  const of = (/** @type {string} */ name) => url.searchParams.get(name) ?? "";
  const token = of("token");
  const path = LINK.exec(url.pathname.replace("%3A", ":"))?.[1];
  if (path !== undefined && token !== "") return { job: url.origin + path, token };
  const base = parse(of("api_base_url"));
  const ids = ["tenant_id", "realm_id", "identity_id", "job_id"].map(of);
  if (!url.pathname.endsWith("/bind") || base === undefined || token === "" || !ids.every((id) => ID.test(id)))
    return undefined;
  const [tenant, realm, identity, job] = ids;
  const realmUrl = `${base.origin}/v1/tenants/${tenant}/realms/${realm}`;
  return { job: `${realmUrl}/identities/${identity}/credential-binding-jobs/${job}`, token };
}

/**
 * The login that a page's address is for. Its request is for Mayfly to verify; what it says here is only where Mayfly is.
 *
 * @param {string} text
 */
function readTransaction(text) {
  const url = parse(text);
  const request = url?.searchParams.get("request");
  if (!url?.pathname.endsWith("/bi-authenticate") || !request) return undefined;
  try {
    const payload = (request.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const { aud, transaction_id: id } = JSON.parse(atob(payload));
    const authenticator = parse(aud);
    if (authenticator === undefined || typeof id !== "string") return undefined;
    return { authenticator: authenticator.origin + authenticator.pathname, id, request };
  } catch {
    return undefined;
  }
}

/** @param {string} passkeyId */
function handleOf(passkeyId) {
  const passkey = recall().find(({ id }) => id === passkeyId);
  if (passkey === undefined) throw new CredentialNotFound("this browser remembers no such passkey");
  return passkey.keyHandle;
}

/** @param {{ redirect_url: string, message?: string }} answer */
function toAuthenticated({ redirect_url, message }) {
  return { redirectUrl: redirect_url, ...(message === undefined ? {} : { message }) };
}

/** @param {{ id: string, display_name: string }} named */
function toNamed({ id, display_name }) {
  return { id, displayName: display_name };
}

/**
 * @param {any} wire
 * @returns {Passkey}
 */
function toPasskey(wire) {
  const now = new Date().toISOString();
  const { identity, theme } = wire;
  return {
    id: wire.id,
    localCreated: now,
    localUpdated: now,
    apiBaseUrl: wire.api_base_url,
    keyHandle: wire.key_handle,
    keyType: "webauthn",
    state: wire.state === "ACTIVE" ? "Active" : "Revoked",
    created: wire.create_time,
    updated: wire.update_time,
    tenant: toNamed(wire.tenant),
    realm: toNamed(wire.realm),
    identity: {
      ...toNamed(identity),
      username: identity.username,
      primaryEmailAddress: identity.primary_email_address,
    },
    theme: { logoUrlLight: theme.logo_url_light, logoUrlDark: theme.logo_url_dark, supportUrl: theme.support_url },
  };
}

/** @returns {Passkey[]} */
function recall() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return Array.isArray(stored) ? stored : [];
  } catch {
    return []; // storage that is forbidden, or another's
  }
}

/** @param {readonly Passkey[]} passkeys */
function remember(passkeys) {
  try {
    localStorage.setItem(STORE, JSON.stringify(passkeys));
  } catch {
    // Where nothing may be stored, nothing is remembered: passkeys are found without it.
  }
}
