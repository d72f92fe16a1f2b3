import { html } from "../../html.ts";

/** The page that asks for a person's consent. Durations are said in words before. */
export const consent = {
  title: "Allow access",
  heading: (application: string) => `Allow access for ${application}?`,
  asksFor: (application: string) => `${application} asks for:`,
  asksForNothing: (application: string) => `${application} asks for nothing but your sign-in.`,
  /** what OpenID scopes give, by scope */
  gives: {
    openid: "who you are",
    profile: "your name and profile",
    email: "your email address",
    phone: "your phone number",
    address: "your postal address",
  },
  /** what claims tell that were asked for by name */
  claims: {
    name: "your name",
    family_name: "your family name",
    given_name: "your given name",
    middle_name: "your middle name",
    nickname: "your nickname",
    preferred_username: "your user name",
    profile: "the address of your profile page",
    picture: "your picture",
    zoneinfo: "your time zone",
    locale: "your language",
    updated_at: "when your profile was last changed",
    email: "your email address",
    email_verified: "whether your email address has been verified",
    phone_number: "your phone number",
    phone_number_verified: "whether your phone number has been verified",
    address: "your postal address",
  },
  rightsAt: (server: string) => html`these rights at <strong>${server}</strong>:`,
  lifetime: {
    label: "Each access lasts at most",
    only: (duration: string) => html`Each access lasts at most <strong>${duration}</strong>.`,
    longest: (duration: string) => `${duration} (maximum)`,
    wrong: "Choose one of the durations in the list.",
  },
  renewal: {
    label: "It can be renewed for at most",
    untilSignOut: (application: string) => html`When you sign out, ${application} can renew nothing any more.`,
    goesOn: (application: string) =>
      html`${application} can do that also <strong>while you are away</strong> and after you have signed out.`,
    none: (application: string) => html`After that, ${application} has to send you here again.`,
    whileSignedIn: (application: string, duration: string) =>
      html`${application} can renew it for <strong>${duration}</strong>, unless you sign out before.`,
    whileAway: (application: string, duration: string) =>
      html`${application} can renew it for <strong>${duration}</strong>, also <strong>while you are away</strong> and after you have signed out.`,
  },
  allow: "Allow",
  refuse: "Do not allow",
  changed: "What is asked for has changed since you opened this page. Please read it again.",
};
