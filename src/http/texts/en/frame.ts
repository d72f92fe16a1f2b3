/** What surrounds every page. */
export const frame = {
  testTenant: "Test tenant",
  testTenantMeaning: "for tests only: codes are 424242, mails are kept and never sent",
  support: "Help",
  securedBy: "Secured by Mayfly",
};
