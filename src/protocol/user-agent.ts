// What a browser calls itself (RFC 9110 §10.1.5), told by names of ours: nothing of what was sent is ever repeated to a person.

/** A browser, as a person knows it. */
export interface KnownBrowser {
  readonly browser: string;
  readonly system: string;
}

/** What of a header is looked at, in characters. */
const LOOKED_AT_MAX = 512;

type Names = readonly (readonly [mark: RegExp, name: string])[];

// In this order: most browsers call themselves by several names, the last of which is Safari.
const BROWSERS: Names = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|HeadlessChrome|CriOS)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const SYSTEMS: Names = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** The browser and the system that a User-Agent header names; undefined where one of them is none that is known. */
export function readUserAgent(header: string | undefined): KnownBrowser | undefined {
  const text = (header ?? "").slice(0, LOOKED_AT_MAX);
  const browser = nameIn(text, BROWSERS);
  const system = nameIn(text, SYSTEMS);
  return browser === undefined || system === undefined ? undefined : { browser, system };
}

/** Whether a User-Agent header is that of a phone or a tablet. */
export function isHandheld(header: string | undefined): boolean {
  return /\b(?:iPhone|iPad|Android)\b/.test((header ?? "").slice(0, LOOKED_AT_MAX));
}

function nameIn(text: string, names: Names): string | undefined {
  return names.find(([mark]) => mark.test(text))?.[1];
}
