import { isIPv4, isIPv6 } from "node:net";

/**
 * The network that a request comes from: who has one address of it often has many (rule 35). IPv4: 24 bits, IPv6: 48.
 *
 * @returns its first bytes in one spelling; an address that is none stands for itself
 */
export function sourceNetwork(address: string): string {
  const bare = address.split("%")[0] ?? ""; // a zone is local to this machine
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  if (isIPv4(mapped)) return `${mapped.split(".").slice(0, 3).join(".")}.0/24`;
  if (!isIPv6(bare)) return address;
  // URL writes an IPv6 address in its shortest form, with its zeros folded at most once.
  const host = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [head = "", tail] = host.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => "0");
  return `${[...first, ...zeros, ...last].slice(0, 3).join(":")}::/48`;
}
