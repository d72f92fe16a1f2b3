import { isIPv4, isIPv6 } from "node:net";

/** An IP address as a number of 32 or 128 bits. IPv4 in IPv6's form is IPv4. */
export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

/** All addresses from the first to the last. */
export interface Network {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const LENGTH = { 4: 32, 6: 128 } as const;
const IPV4 = 0xffffn; // what stands before an IPv4 address in IPv6's form (RFC 4291 §2.5.5.2)
const MAPPED_LENGTH = 96;

/** Reads an IP address; undefined for a text that is none. A zone says where on this machine, so it is left out. */
export function parseAddress(text: string): Address | undefined {
  const bare = text.split("%")[0] ?? "";
  if (isIPv4(bare)) return { family: 4, bits: joinParts(bare.split(".").map(Number), 8n) };
  if (!isIPv6(bare)) return undefined;
  const bits = joinParts(groupsOf(bare), 16n);
  return bits >> 32n === IPV4 ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits };
}

/** Reads an IP address or a network in CIDR notation; undefined for what is neither. Bits behind the prefix do not matter. */
export function parseNetwork(text: string): Network | undefined {
  const [, host = "", prefix] = /^([^/%]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(host);
  if (address === undefined) return undefined;
  const { family, bits } = address;
  const isMapped = family === 4 && host.includes(":");
  const written = isMapped || family === 6 ? 128 : 32;
  const length = prefix === undefined ? LENGTH[family] : Number(prefix) - (isMapped ? MAPPED_LENGTH : 0);
  if (length < 0 || Number(prefix ?? 0) > written) return undefined;
  const rest = BigInt(LENGTH[family] - length);
  const first = (bits >> rest) << rest;
  return { family, first, last: first + (1n << rest) - 1n };
}

/** Whether an address is one of a network's. */
export function isWithin({ family, bits }: Address, network: Network): boolean {
  return family === network.family && bits >= network.first && bits <= network.last;
}

/** One address of each region that networks divide all addresses into: who tries them all has tried every address. */
export function listRepresentatives(networks: readonly Network[]): readonly Address[] {
  const found = new Map<string, Address>();
  const add = (family: 4 | 6, bits: bigint): void => {
    if (bits < 1n << BigInt(LENGTH[family])) found.set(`${family}/${bits}`, { family, bits });
  };
  add(4, 0n);
  add(6, 0n);
  for (const { family, first, last } of networks) {
    add(family, first);
    add(family, last + 1n);
  }
  return [...found.values()];
}

function joinParts(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((bits, part) => (bits << width) | BigInt(part), 0n);
}

// URL writes an IPv6 address in its shortest form: hexadecimal groups, with zeros folded at most once.
function groupsOf(address: string): number[] {
  const host = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = host.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => "0");
  return [...first, ...zeros, ...last].map((group) => Number.parseInt(group, 16));
}
