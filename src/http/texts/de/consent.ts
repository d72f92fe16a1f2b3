import { html } from "../../html.ts";
import type { consent as english } from "../en/consent.ts";

export const consent: typeof english = {
  title: "Zugriff erlauben",
  heading: (application) => `${application} Zugriff erlauben?`,
  asksFor: (application) => `${application} möchte wissen oder dürfen:`,
  asksForNothing: (application) => `${application} möchte nur, dass Sie sich anmelden.`,
  gives: {
    openid: "wer Sie sind",
    profile: "Ihr Name und Ihr Profil",
    email: "Ihre E-Mail-Adresse",
    phone: "Ihre Telefonnummer",
    address: "Ihre Postanschrift",
  },
  claims: {
    name: "Ihr Name",
    family_name: "Ihr Nachname",
    given_name: "Ihr Vorname",
    middle_name: "Ihr zweiter Vorname",
    nickname: "Ihr Spitzname",
    preferred_username: "Ihr Benutzername",
    profile: "die Adresse Ihrer Profilseite",
    picture: "Ihr Bild",
    zoneinfo: "Ihre Zeitzone",
    locale: "Ihre Sprache",
    updated_at: "wann Ihr Profil zuletzt geändert wurde",
    email: "Ihre E-Mail-Adresse",
    email_verified: "ob Ihre E-Mail-Adresse bestätigt ist",
    phone_number: "Ihre Telefonnummer",
    phone_number_verified: "ob Ihre Telefonnummer bestätigt ist",
    address: "Ihre Postanschrift",
  },
  rightsAt: (server) => html`diese Rechte bei <strong>${server}</strong>:`,
  lifetime: {
    label: "Jeder Zugriff gilt höchstens",
    only: (duration) => html`Jeder Zugriff gilt höchstens <strong>${duration}</strong>.`,
    longest: (duration) => `${duration} (Maximum)`,
    wrong: "Wählen Sie eine der Zeiten aus der Liste.",
  },
  renewal: {
    label: "Erneuerung möglich für höchstens",
    untilSignOut: (application) => html`Wenn Sie sich abmelden, kann ${application} nichts mehr erneuern.`,
    goesOn: (application) =>
      html`${application} kann das auch, <strong>während Sie nicht da sind</strong> und nachdem Sie sich abgemeldet haben.`,
    none: (application) => html`Danach muss ${application} Sie wieder hierher schicken.`,
    whileSignedIn: (application, duration) =>
      html`${application} kann ihn <strong>${duration}</strong> lang erneuern, es sei denn, Sie melden sich vorher ab.`,
    whileAway: (application, duration) =>
      html`${application} kann ihn <strong>${duration}</strong> lang erneuern, auch <strong>während Sie nicht da sind</strong> und nachdem Sie sich abgemeldet haben.`,
  },
  allow: "Erlauben",
  refuse: "Nicht erlauben",
  changed:
    "Was die Anwendung möchte, hat sich geändert, seit Sie diese Seite geöffnet haben. Bitte lesen Sie es noch einmal.",
};
