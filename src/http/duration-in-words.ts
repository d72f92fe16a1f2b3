const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/**
 * A whole number of seconds as people say it, exactly: "1 day, 12 hours".
 *
 * @param language a BCP 47 tag
 */
export function durationInWords(seconds: number, language: string): string {
  const parts: string[] = [];
  let left = seconds;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count === 0 && !(unit === "second" && parts.length === 0)) continue;
    parts.push(new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count));
  }
  return new Intl.ListFormat(language, { type: "unit", style: "short" }).format(parts);
}
