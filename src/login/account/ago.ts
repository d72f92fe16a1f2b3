import { timeAgo } from "../../http/time-ago.ts";
import type { AccountVisit } from "./visit.ts";

/**
 * How long ago something was, in words.
 *
 * @param at seconds of tenant time
 */
export function ago({ now, texts }: AccountVisit, at: number): string {
  return timeAgo(now - at, texts.language);
}
