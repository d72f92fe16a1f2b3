import { after } from "node:test";
import { type Browser, chromium } from "playwright-core";

// Every name below .example is this machine, by whatever certificate, so that a relying party can have an address that is not
// loopback's (rule 36).
const FLAGS = [
  ...["--no-sandbox", "--disable-background-networking"],
  ...["--host-resolver-rules=MAP *.example 127.0.0.1", "--ignore-certificate-errors"],
];
let launched: Promise<Browser> | undefined;

/** The run's one Chromium; tests keep apart by contexts of their own. It starts when it is first asked for. */
export function openBrowser(): Promise<Browser> {
  launched ??= chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  return launched;
}

after(async () => {
  await (await launched)?.close();
});
