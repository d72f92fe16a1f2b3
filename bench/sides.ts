import { mayfly } from "./mayfly-server.ts";
import { peerMemory, peerPostgresql } from "./peer-server.ts";
import type { Side, SideName } from "./side.ts";

/** All sides that can be measured. */
export const SIDES: Side[] = [mayfly, peerMemory, peerPostgresql];

/** The side of that name. */
export function getSide(name: SideName): Side {
  const side = SIDES.find((candidate) => candidate.name === name);
  if (side === undefined) throw new Error(`there is no side ${name}`);
  return side;
}
