import type { frame as english } from "../en/frame.ts";

export const frame: typeof english = {
  testTenant: "Testmandant",
  testTenantMeaning: "nur für Tests: jeder Code ist 424242, E-Mails werden aufbewahrt und nie versandt",
  support: "Hilfe",
  securedBy: "Gesichert mit Mayfly",
};
