// Lengths of time as people write and read them.

const UNITS = [
  { letter: "w", name: "week", seconds: 604_800 },
  { letter: "d", name: "day", seconds: 86_400 },
  { letter: "h", name: "hour", seconds: 3_600 },
  { letter: "m", name: "minute", seconds: 60 },
  { letter: "s", name: "second", seconds: 1 },
] as const;
const WORDS_MAX = 2;

/**
 * Reads `900`, `15m`, `1h30m`, `7d`.
 *
 * @returns whole seconds, at least 1; undefined for anything else
 */
export function parseDuration(text: string): number | undefined {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  const parts = /^(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(text);
  if (text === "" || parts === null) return undefined;
  const seconds = UNITS.reduce((sum, unit, at) => sum + Number(parts[at + 1] ?? 0) * unit.seconds, 0);
  return seconds > 0 ? seconds : undefined;
}

/** What `parseDuration` reads, as short as it can be said: `15m`, `90d`, `61s`. */
export function formatDuration(seconds: number): string {
  const unit = UNITS.slice(1).find((candidate) => seconds % candidate.seconds === 0);
  return unit === undefined ? `${seconds}s` : `${seconds / unit.seconds}${unit.letter}`;
}

/** `15 minutes`, `1 hour 30 minutes`: the two largest units, rounded down. */
export function describeDuration(seconds: number): string {
  let left = Math.floor(seconds);
  const words: string[] = [];
  // Lifetimes are thought of in days: 90 of them, not 12 weeks and 6.
  for (const { name, seconds: length } of UNITS.slice(1)) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0 && words.length < WORDS_MAX) words.push(`${count} ${name}${count === 1 ? "" : "s"}`);
  }
  return words.length === 0 ? "0 seconds" : words.join(" ");
}

/** `in 15 minutes (2026-11-26T02:15:00Z)`, `15 minutes ago (…)`, or `now (…)`. Both are epoch seconds. */
export function describeInstant(at: number, now: number): string {
  if (at === now) return `now (${formatInstant(at)})`;
  const words = at > now ? `in ${describeDuration(at - now)}` : `${describeDuration(now - at)} ago`;
  return `${words} (${formatInstant(at)})`;
}

/** `for 15 minutes (until 2026-11-26T02:15:00Z)`, without a length where that is over. Both are epoch seconds. */
export function describeUntil(at: number, now: number): string {
  const until = `until ${formatInstant(at)}`;
  return at > now ? `for ${describeDuration(at - now)} (${until})` : until;
}

function formatInstant(at: number): string {
  return new Date(at * 1000).toISOString().replace(".000Z", "Z");
}
