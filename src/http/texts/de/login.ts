import { breakable, html } from "../../html.ts";
import type { login as english } from "../en/login.ts";

export const login: typeof english = {
  cancel: "Abbrechen",
  backTo: (application) => `Zurück zu ${application}`,
  address: {
    title: "Anmelden",
    intro: "Wir senden Ihnen einen Code per E-Mail. Sie brauchen kein Passwort.",
    label: "E-Mail-Adresse",
    send: "Code anfordern",
    wrong: "Geben Sie Ihre E-Mail-Adresse ein, zum Beispiel name@example.com.",
    again: "Das hat eine Weile gedauert. Melden Sie sich zum Abschluss noch einmal an; Ihre Antwort ist gemerkt.",
  },
  code: {
    title: "Code eingeben",
    heading: "Sehen Sie in Ihr Postfach",
    intro: (address, minutes) =>
      html`Wenn man sich hier mit <strong>${breakable(address)}</strong> anmelden kann, ist ein Code unterwegs. Er gilt ${minutes} Minuten und nur in diesem Browser.`,
    label: "Code",
    format: "die Ziffern des Codes",
    verify: "Anmelden",
    sendAgain: "Neuen Code senden",
    otherAddress: "Andere Adresse verwenden",
    hint: "Nach einer Minute noch nichts da? Sehen Sie im Spam-Ordner nach. In einer Stunde werden nur wenige Codes versandt.",
    sentAgain: "Ein neuer Code ist angefordert. Nur der neueste gilt.",
    wrong: "Dieser Code gilt nicht. Verwenden Sie den aus der neuesten E-Mail, oder fordern Sie einen neuen an.",
    incomplete: "Geben Sie alle Ziffern des Codes ein.",
  },
  triesSpent: {
    title: "Zu viele falsche Codes",
    advice: (application) =>
      html`Zu Ihrer Sicherheit ist diese Anmeldung beendet. Beginnen Sie in <strong>${application}</strong> von vorn; Sie erhalten einen neuen Code.`,
  },
  denied: {
    title: "Sie können sich hier nicht anmelden",
    advice: (application, realm) =>
      html`Die Regeln von <strong>${realm}</strong> erlauben diese Anmeldung bei ${application} nicht. Wenn das nicht stimmen kann, fragen Sie die Betreiber.`,
  },
  confirm: {
    title: "Weiter",
    heading: (application) => `Weiter zu ${application}?`,
    signedInAs: (person) => html`Sie sind angemeldet als <strong>${breakable(person)}</strong>.`,
    nobody: "Ihr Konto",
    goOn: "Weiter",
    otherAccount: "Anderes Konto verwenden",
  },
  sentBack: {
    title: "Weiter",
    heading: "Gleich geschafft",
    intro: "Sie werden zur Anwendung zurückgeleitet.",
    goOn: "Weiter",
    received:
      "Die Anwendung hat ihre Antwort, leitet aber an eine Adresse weiter, zu der Ihr Browser von hier nicht geht.",
    openClient: (host) => `${host} öffnen`,
  },
};
