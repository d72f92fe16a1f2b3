const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/**
 * How long ago something was, as people say it: "3 days ago". It needs no time zone, which a server does not know of a browser.
 *
 * @param seconds since then; what is to come is said to be now
 * @param language a BCP 47 tag
 */
export function timeAgo(seconds: number, language: string): string {
  const [unit, length] = UNITS.find(([, shortest]) => seconds >= shortest) ?? ["second", Number.POSITIVE_INFINITY];
  // "now", but never "yesterday": it depends on where somebody is.
  const format = new Intl.RelativeTimeFormat(language, { numeric: unit === "second" ? "auto" : "always" });
  return format.format(-Math.floor(Math.max(0, seconds) / length), unit);
}
