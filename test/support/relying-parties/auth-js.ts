import { pathToFileURL } from "node:url";
import { Auth, type AuthConfig, setEnvDefaults } from "@auth/core";
import type { SiteHandler } from "../https-site.ts";
import type { TestApplication } from "../test-tenant.ts";
import { writeGuideCode } from "./guide-code.ts";

const BASE_PATH = "/api/auth";
/** Where Auth.js sends the person back to, below the site's address. */
export const AUTH_JS_CALLBACK = `${BASE_PATH}/callback/beyondidentity`;

/** A site that signs people in by Auth.js, configured as a guide says. Its page is the session in JSON. */
export async function authJsSite(
  origin: string,
  application: TestApplication,
  guide: "auth-js.md" | "next-js.md",
): Promise<SiteHandler> {
  const config = await readGuideConfig(guide);
  const environment = {
    AUTH_SECRET: "of-the-site-alone-and-of-this-test",
    AUTH_TRUST_HOST: "true",
    AUTH_BEYONDIDENTITY_ISSUER: application.issuer,
    AUTH_BEYONDIDENTITY_ID: application.clientId,
    AUTH_BEYONDIDENTITY_SECRET: application.clientSecret,
  };
  setEnvDefaults(environment, config);
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith(BASE_PATH)) return Auth(request, config);
    const headers = { cookie: request.headers.get("cookie") ?? "" };
    const session = await Auth(new Request(`${origin}${BASE_PATH}/session`, { headers }), config);
    return new Response(await session.text(), { headers: { "content-type": "text/plain" } });
  };
}

/** The configuration as it stands in a guide; next-auth hands its providers on from @auth/core. */
async function readGuideConfig(guide: string): Promise<AuthConfig> {
  const fromCore = (code: string) => code.replace("next-auth/providers/", "@auth/core/providers/");
  const code = await writeGuideCode(guide, "auth.config.mjs", fromCore);
  try {
    const { authConfig }: { readonly authConfig: AuthConfig } = await import(pathToFileURL(code.file).href);
    return { ...authConfig, basePath: BASE_PATH };
  } finally {
    await code.remove();
  }
}
