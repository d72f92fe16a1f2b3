// What the server sends to addresses that tenants have chosen (rule 22): over https, to public addresses only, without following
// anybody elsewhere, for a bounded time and an answer of bounded size.

import { lookup } from "node:dns/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./addresses.ts";

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 65_536;

/** The server may not send to this address; trying again changes nothing but by configuration. */
export class EgressRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "EgressRefused";
  }
}

/**
 * Posts a form and gives the status of the answer, whatever it is: a redirect is not followed.
 *
 * @param allowed hosts that are reached although their address is not public, and over http (`MAYFLY_EGRESS_ALLOW`)
 * @throws EgressRefused for an address that may not be reached; other errors when nobody answers in five seconds, or too much
 */
export async function postForm(
  url: string,
  form: Readonly<Record<string, string>>,
  allowed: readonly string[],
): Promise<number> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[(.*)\]$/, "$1");
  const isAllowed = allowed.includes(host);
  if (target.protocol !== "https:" && !(target.protocol === "http:" && isAllowed)) {
    throw new EgressRefused("only https is sent to");
  }
  // A literal is connected to without a look-up.
  if (isIP(host) !== 0 && !isAllowed && !isPublicAddress(host)) throw new EgressRefused("the address is not public");
  return send(target, new URLSearchParams(form).toString(), isAllowed ? undefined : lookUpPublic);
}

function send(target: URL, body: string, lookUp: LookupFunction | undefined): Promise<number> {
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(target, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "content-length": Buffer.byteLength(body),
        accept: "*/*",
      },
      agent: false, // no connection is kept: the address is checked each time
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(lookUp === undefined ? {} : { lookup: lookUp }),
    });
    sent.on("error", reject);
    sent.on("response", (answer) => {
      let bytes = 0;
      answer.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > ANSWER_BYTES_MAX) sent.destroy(new Error(`the answer has over ${ANSWER_BYTES_MAX} bytes`));
      });
      answer.on("error", reject);
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    sent.end(body);
  });
}

// At connect, so that no later answer of the name server leads elsewhere (DNS rebinding).
const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { all: true }).then(
    (addresses) => {
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(new EgressRefused("the name leads to an address that is not public"), []);
      } else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    },
    (error: unknown) => callback(error instanceof Error ? error : new Error("the name was not found"), []),
  );
};
