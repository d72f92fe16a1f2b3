import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { SiteHandler } from "../https-site.ts";
import type { TestApplication } from "../test-tenant.ts";

const PAGE = new URL("./single-page.html", import.meta.url);
const LIBRARY = import.meta.resolve("oauth4webapi");

/** A site of one page, which signs people in by oauth4webapi in the browser: a public client without a server of its own. */
export async function singlePageSite({ issuer, clientId }: TestApplication): Promise<SiteHandler> {
  const page = await readFile(PAGE, "utf8");
  const library = await readFile(fileURLToPath(LIBRARY), "utf8");
  const config = JSON.stringify({ issuer, client_id: clientId });
  return async (request) => {
    switch (new URL(request.url).pathname) {
      case "/oauth4webapi.js":
        return new Response(library, { headers: { "content-type": "text/javascript" } });
      case "/config.json":
        return new Response(config, { headers: { "content-type": "application/json" } });
      default:
        return new Response(page, { headers: { "content-type": "text/html" } });
    }
  };
}
