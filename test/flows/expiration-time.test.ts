import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  assertLives,
  FORMATS,
  GRANTS,
  type GrantName,
  lifetimeWorld,
  type Policies,
  type Setting,
} from "../support/lifetime-world.ts";
import { assertRefused } from "../support/refusals.ts";
import { changeTokens, type TokenConfigurationBody, testClient } from "../support/test-client.ts";
import { REFRESH, testCodeFlow } from "../support/test-code-flow.ts";

const DAY = 86_400;

/** As they travel: what a form decodes to something else than was typed would not be the case that it says it is. */
const MISSPELT: readonly (readonly [says: string, sent: string, quoted?: string])[] = [
  ["zero", "0", "0"],
  ["a negative number", "-5", "-5"],
  ["a plus sign", "%2B5"],
  ["a space before it", "%205"],
  ["a raw plus, which is a space", "+5"],
  ["a space after it", "5%20"],
  ["a line feed after it", "5%0A"],
  ["a fraction", "1.5"],
  ["an exponent", "1e3"],
  ["hexadecimal", "0x10"],
  ["a leading zero", "007", "007"],
  ["Arabic digits", "%D9%A5%D9%A0"],
  ["full-width digits", "%EF%BC%95"],
  ["11 digits", "10000000000", "10000000000"],
  ["20 digits", "99999999999999999999", "99999999999999999999"],
  ["a separator", "1%2C000"],
  ["an underscore", "1_000"],
  ["a word", "Infinity"],
  ["not a number", "NaN"],
  ["a duration", "PT5M"],
  ["JSON", "%5B900%5D"],
];

describe("a misspelt expiration_time is refused, and nothing is consumed", () => {
  for (const grant of GRANTS) {
    for (const [says, sent, quoted] of MISSPELT) {
      test(`${grant}: ${says}`, async () => {
        const spender = await lifetimeWorld({ grant });
        const answer = await spender.request({}, `expiration_time=${sent}`);
        assertRefused(answer, 400, "invalid_request");
        const description = String(answer.json?.error_description);
        assert.match(description, /expiration_time must be a whole number of seconds, 1 to 10 decimal digits/);
        assert.ok(description.includes(quoted ?? "the value sent"), description);
        await assertLives(spender, await spender.request({}), DAY);
      });
    }
  }
});

interface GrantedCase {
  readonly says: string;
  readonly sent: string | undefined;
  readonly granted: number;
  readonly policies?: Policies;
  readonly tokens?: TokenConfigurationBody;
  readonly lifetime?: Readonly<Record<string, unknown>>;
}

const CLAMP = { over_limit: "clamp" } as const;
const byApplication = { maximum: DAY, mode: "exact", limited_by: "application" };
const FLOOR = { floor: 60 };

const GRANTED: readonly GrantedCase[] = [
  { says: "absent: the default", sent: undefined, granted: DAY },
  { says: "empty: the default", sent: "", granted: DAY },
  { says: "1 second", sent: "1", granted: 1, lifetime: { requested: 1, granted: 1, ...byApplication } },
  { says: "900 seconds", sent: "900", granted: 900, lifetime: { requested: 900, granted: 900, ...byApplication } },
  {
    says: "the floor",
    sent: "60",
    granted: 60,
    policies: FLOOR,
    lifetime: { requested: 60, granted: 60, ...byApplication },
  },
  { says: "the ceiling", sent: "86400", granted: DAY, lifetime: { requested: DAY, granted: DAY, ...byApplication } },
  {
    says: "the ceiling, where more would be clamped",
    sent: "86400",
    granted: DAY,
    tokens: CLAMP,
    lifetime: { requested: DAY, granted: DAY, ...byApplication },
  },
  {
    says: "more than the ceiling, clamped",
    sent: "86401",
    granted: DAY,
    tokens: CLAMP,
    lifetime: { requested: 86_401, granted: DAY, ...byApplication, mode: "clamped" },
  },
  {
    says: "ten digits, clamped",
    sent: "9999999999",
    granted: DAY,
    tokens: CLAMP,
    lifetime: { requested: 9_999_999_999, granted: DAY, ...byApplication, mode: "clamped" },
  },
  {
    says: "clamped to less than the floor",
    sent: "100",
    granted: 30,
    policies: FLOOR,
    tokens: { ...CLAMP, expires_after: 30 },
    lifetime: { requested: 100, granted: 30, maximum: 30, mode: "clamped", limited_by: "application" },
  },
  { says: "absent: default_expires_after", sent: undefined, granted: 300, tokens: { default_expires_after: 300 } },
  {
    says: "above default_expires_after",
    sent: "301",
    granted: 301,
    tokens: { default_expires_after: 300 },
    lifetime: { requested: 301, granted: 301, ...byApplication },
  },
  {
    says: "absent: a default above the ceiling is the ceiling, silently",
    sent: undefined,
    granted: 3600,
    tokens: { default_expires_after: 7200, expires_after: 3600 },
  },
  {
    says: "absent: a default below the floor is granted",
    sent: undefined,
    granted: 30,
    policies: FLOOR,
    tokens: { default_expires_after: 30 },
  },
];

describe("token, response, introspection and token list agree to the second", () => {
  for (const grant of GRANTS) {
    for (const format of FORMATS) {
      for (const { says, sent, granted, lifetime, ...around } of GRANTED) {
        test(`${grant}, ${format}: ${says}`, async () => {
          const spender = await lifetimeWorld({ grant, format, ...around });
          const answer = await spender.request(sent === undefined ? {} : { expiration_time: sent });
          await assertLives(spender, answer, granted);
          assert.deepEqual(answer.json?.lifetime, lifetime);
        });
      }
    }
  }
});

interface LimitCase {
  readonly limitedBy: string;
  readonly maximum: number;
  readonly policies: Policies;
  readonly expiresAfter?: number;
  readonly source: string;
  readonly scope?: string;
}

const RESOURCE_SERVER = "the resource server (token_policy.max_expires_after)";
const LIMITS: readonly LimitCase[] = [
  {
    limitedBy: "application",
    maximum: DAY,
    policies: {},
    source: "the application (token_configuration.expires_after)",
  },
  {
    limitedBy: "resource_server",
    maximum: 500,
    policies: { resourceServer: 500, realm: 600 },
    source: RESOURCE_SERVER,
  },
  {
    limitedBy: "scope",
    maximum: 400,
    policies: { scope: 400, resourceServer: 500 },
    scope: "shoes:write",
    source: "the resource server for the scope shoes:write (scope_policies)",
  },
  {
    limitedBy: "realm",
    maximum: 300,
    policies: { realm: 300, tenant: 301 },
    source: "the realm (token_policy.max_expires_after)",
  },
  {
    limitedBy: "tenant",
    maximum: 200,
    policies: { tenant: 200, realm: 300, resourceServer: 500 },
    source: "the tenant (token_policy.max_expires_after)",
  },
  {
    limitedBy: "application",
    maximum: 600,
    expiresAfter: 600,
    policies: { resourceServer: 600, scope: 600, realm: 600, tenant: 600 },
    source: "the application (token_configuration.expires_after)",
  },
  {
    limitedBy: "resource_server",
    maximum: 610,
    policies: { resourceServer: 610, tenant: 610 },
    source: RESOURCE_SERVER,
  },
  {
    limitedBy: "realm",
    maximum: 620,
    policies: { realm: 620, tenant: 620 },
    source: "the realm (token_policy.max_expires_after)",
  },
];

function settingOf(grant: GrantName, { policies, expiresAfter }: LimitCase, overLimit: "reject" | "clamp"): Setting {
  return { grant, policies, tokens: { expires_after: expiresAfter ?? DAY, over_limit: overLimit } };
}

describe("the smallest ceiling decides; a tie goes to the first of the table", () => {
  for (const grant of GRANTS) {
    for (const limit of LIMITS) {
      const { limitedBy, maximum, source, scope } = limit;
      const around = `${limitedBy} of ${Object.keys(limit.policies).join(", ") || "its own"}`;
      const verdict = { maximum, limited_by: limitedBy, ...(scope === undefined ? {} : { scope }) };

      test(`${grant}: one second above the ceiling of the ${around} is refused and consumes nothing`, async () => {
        const spender = await lifetimeWorld(settingOf(grant, limit, "reject"));
        const refused = await spender.request({ expiration_time: String(maximum + 1) });
        assertRefused(refused, 400, "invalid_request");
        const said = `expiration_time ${maximum + 1} is above the maximum of ${maximum} seconds, set by ${source}`;
        assert.equal(refused.json?.error_description, said);
        const answer = await spender.request({ expiration_time: String(maximum) });
        await assertLives(spender, answer, maximum);
        assert.deepEqual(answer.json?.lifetime, { requested: maximum, granted: maximum, mode: "exact", ...verdict });
      });

      test(`${grant}: one second above the ceiling of the ${around} is clamped where that was chosen`, async () => {
        const spender = await lifetimeWorld(settingOf(grant, limit, "clamp"));
        const answer = await spender.request({ expiration_time: String(maximum + 1) });
        await assertLives(spender, answer, maximum);
        const clamped = { requested: maximum + 1, granted: maximum, mode: "clamped", ...verdict };
        assert.deepEqual(answer.json?.lifetime, clamped);
      });
    }
  }

  test("the ceiling of a scope counts only where that scope is granted", async () => {
    const spender = await lifetimeWorld({ grant: "client_credentials", policies: { scope: 400, resourceServer: 500 } });
    const answer = await spender.request({ scope: "shoes:read", expiration_time: "500" });
    await assertLives(spender, answer, 500);
  });
});

describe("the floor", () => {
  for (const grant of GRANTS) {
    for (const overLimit of ["reject", "clamp"] as const) {
      test(`${grant}: one second below the floor is refused with ${overLimit} and consumes nothing`, async () => {
        const spender = await lifetimeWorld({ grant, policies: FLOOR, tokens: { over_limit: overLimit } });
        const refused = await spender.request({ expiration_time: "59" });
        assertRefused(refused, 400, "invalid_request");
        assert.equal(
          refused.json?.error_description,
          "expiration_time 59 is below the minimum of 60 seconds, set by the realm (token_policy.min_expires_after)",
        );
        await assertLives(spender, await spender.request({ expiration_time: "60" }), 60);
      });
    }
  }
});

describe("where the parameter stands", () => {
  for (const grant of GRANTS) {
    for (const twice of [
      "expiration_time=60&expiration_time=60",
      "expiration_time=60&expiration_time=",
      "expiration_time&expiration_time",
    ]) {
      test(`${grant}: ${twice} is refused and consumes nothing`, async () => {
        const spender = await lifetimeWorld({ grant });
        const answer = await spender.request({}, twice);
        assertRefused(answer, 400, "invalid_request");
        assert.equal(answer.json?.error_description, "expiration_time was sent more than once");
        await assertLives(spender, await spender.request({}), DAY);
      });
    }

    for (const query of ["expiration_time=60", "expiration_time=", "expiration_time", "x=1&expiration%5Ftime=60"]) {
      test(`${grant}: ?${query} in the query string is refused and consumes nothing`, async () => {
        const spender = await lifetimeWorld({ grant });
        const answer = await spender.requestWithQuery(query);
        assertRefused(answer, 400, "invalid_request");
        assert.match(String(answer.json?.error_description), /expiration_time belongs in the request body/);
        await assertLives(spender, await spender.request({}), DAY);
      });
    }
  }

  test("the undocumented principal parameters are ignored in the query string", async () => {
    const spender = await lifetimeWorld({ grant: "client_credentials" });
    const answer = await spender.requestWithQuery("principal_type=application&principal_id=x");
    await assertLives(spender, answer, DAY);
  });
});

describe("on refresh", () => {
  for (const format of FORMATS) {
    test(`no token outlives its family, whatever was asked or is the default (${format})`, async () => {
      const policies = { parent: 600 };
      const spender = await lifetimeWorld({ grant: "refresh_token", format, policies, tokens: CLAMP });
      const asked = await spender.request({ expiration_time: "601" });
      const refresh = String(asked.json?.refresh_token);
      const family = await spender.tenant.introspect(spender.application, refresh);
      const facts = await spender.tenant.introspect(spender.application, String(asked.json?.access_token));
      assert.equal(facts.exp, family.exp);
      const granted = Number(facts.exp) - Number(facts.iat);
      await assertLives(spender, asked, granted);
      const verdict = { requested: 601, granted, maximum: granted, mode: "clamped", limited_by: "parent" };
      assert.deepEqual(asked.json?.lifetime, verdict);
      await spender.tenant.advance(300);
      const byDefault = await spender.request({ refresh_token: refresh });
      const later = await spender.tenant.introspect(spender.application, String(byDefault.json?.access_token));
      assert.equal(later.exp, family.exp);
      await assertLives(spender, byDefault, Number(later.exp) - Number(later.iat));
      assert.equal(byDefault.json?.lifetime, undefined);
    });
  }

  test("more than what is left of the family is refused by name, and the refresh token still works", async () => {
    const spender = await lifetimeWorld({ grant: "refresh_token", policies: { parent: 600 } });
    const refused = await spender.request({ expiration_time: "601" });
    assertRefused(refused, 400, "invalid_request");
    assert.match(
      String(refused.json?.error_description),
      /^expiration_time 601 is above the maximum of 600 seconds, set by the refresh token or the exchanged token$/,
    );
    await assertLives(spender, await spender.request({ expiration_time: "500" }), 500);
  });

  test("the next refresh does not remember the lifetime of the one before", async () => {
    const flow = await testCodeFlow({ tokens: { default_expires_after: 700 } });
    const login = await flow.logIn({}, { expiration_time: "60" });
    assert.equal(login.json.expires_in, 60);
    const first = await flow.refresh(login.refresh);
    await assertLives(flow, first, 700);
    const second = await flow.refresh(String(first.json?.refresh_token), { expiration_time: "120" });
    await assertLives(flow, second, 120);
    await assertLives(flow, await flow.refresh(String(second.json?.refresh_token)), 700);
  });

  test("the lifetime of an access token changes neither the ID token nor the refresh token", async () => {
    const flow = await testCodeFlow();
    const tokens = await flow.logIn({}, { expiration_time: "60" });
    const family = await flow.tenant.introspect(flow.application, tokens.refresh);
    assert.equal(Number(family.exp) - Number(family.iat), REFRESH.absolute_duration);
    const { exp, iat } = JSON.parse(Buffer.from(tokens.idToken.split(".")[1] ?? "", "base64url").toString());
    assert.equal(exp - iat, 3600);
  });
});

test("lowering a configured lifetime does not touch tokens already issued", async () => {
  const client = await testClient();
  const answer = await client.tenant.token(client.application, { grant_type: "client_credentials" });
  await changeTokens(client, { expires_after: 60 });
  await assertLives(client, answer, DAY);
  await assertLives(client, await client.tenant.token(client.application, { grant_type: "client_credentials" }), 60);
});
