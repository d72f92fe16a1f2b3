// What settings may name: hosts, networks, mail addresses. By their form alone; whether they are there, only use can tell.

import { isIP } from "node:net";

const HOST_NAME_LENGTH_MAX = 253; // RFC 1035 §2.3.4
/** Labels of RFC 1123 §2.1, and the underscore that names in container networks have. */
const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;
const MAIL_ADDRESS_LENGTH_MAX = 320; // RFC 5321 §4.5.3.1: 64 of local part, "@", 255 of domain
/** One address and nothing else: no list, no name, no comment, no quoted part, no control character (CWE-93). */
const MAIL_ADDRESS = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u;
const NAMED_MAIL_ADDRESS = /^[^\p{Cc}<>()[\]\\,;:"@]{0,100}<([^<>]+)>$/u;

/** Whether a text may be a host: an IP address without brackets, or a name; neither a scheme nor a port beside it. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  return text.length <= HOST_NAME_LENGTH_MAX && HOST_NAME.test(text) && !/^[0-9.]+$/.test(text);
}

/** Whether a text is an IP address or a network in CIDR notation, such as `10.0.0.0/8`. A network of all addresses is none. */
export function isNetwork(text: string): boolean {
  const [, address = "", bits] = /^([^/]*)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0 || address.includes("%")) return false;
  return bits === undefined || (Number(bits) >= 1 && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Whether a text is one mail address, without a name. */
export function isMailAddress(text: string): boolean {
  return text.length <= MAIL_ADDRESS_LENGTH_MAX && MAIL_ADDRESS.test(text);
}

/** Whether a text is one mail address, bare or as `Name <address>`. */
export function isMailSender(text: string): boolean {
  return isMailAddress(NAMED_MAIL_ADDRESS.exec(text)?.[1] ?? text);
}
