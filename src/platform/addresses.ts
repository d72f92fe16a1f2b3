// What settings may name: hosts, networks, mail addresses. By their form alone; whether they are there, only use can tell.

import { BlockList, isIP } from "node:net";

const HOST_NAME_LENGTH_MAX = 253; // RFC 1035 §2.3.4
/** Labels of RFC 1123 §2.1, and the underscore that names in container networks have. */
const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;
const MAIL_ADDRESS_LENGTH_MAX = 320; // RFC 5321 §4.5.3.1: 64 of local part, "@", 255 of domain
/** One address and nothing else: no list, no name, no comment, no quoted part, no control character (CWE-93). */
const MAIL_ADDRESS = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u;
const NAMED_MAIL_ADDRESS = /^[^\p{Cc}<>()[\]\\,;:"@]{0,100}<([^<>]+)>$/u;

/** IPv4 networks that are nobody's in the internet (IANA special-purpose registry), and those that lead to many. */
const SPECIAL_IPV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];
/** Within 2000::/3, the only global unicast IPv6: protocol assignments with Teredo, documentation, and 6to4, which holds an IPv4 address. */
const SPECIAL_IPV6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];
const special = new BlockList();
for (const [network, bits] of SPECIAL_IPV4) special.addSubnet(network, bits, "ipv4");
for (const [network, bits] of SPECIAL_IPV6) special.addSubnet(network, bits, "ipv6");
const globalIpv6 = new BlockList();
globalIpv6.addSubnet("2000::", 3, "ipv6");

/** Whether an IP address is one of the public internet, so that what a tenant names cannot be a machine beside ours (rule 22). */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  return family === 6 && globalIpv6.check(address, "ipv6") && !special.check(address, "ipv6");
}

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
