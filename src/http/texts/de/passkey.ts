import { breakable, html } from "../../html.ts";
import type { passkey as english } from "../en/passkey.ts";

export const passkey: typeof english = {
  or: "oder",
  signIn: "Mit Passkey anmelden",
  intro: "Verwenden Sie Ihren Passkey: Fingerabdruck, Gesicht oder die PIN Ihres Geräts.",
  noWayIn: "Hier kann man sich zurzeit nicht anmelden. Bitte sagen Sie es den Betreibern dieser Anwendung.",
  missing: "Passkeys brauchen JavaScript und einen Browser, der sie unterstützt.",
  notUsed: "Das hat nicht geklappt. Versuchen Sie es noch einmal, oder melden Sie sich anders an.",
  refused: "Dieser Passkey gilt hier nicht. Versuchen Sie einen anderen, oder melden Sie sich anders an.",
  create: "Passkey erstellen",
  notMade: "Es wurde kein Passkey erstellt. Nichts ist verloren: Versuchen Sie es noch einmal.",
  alreadyHere: "Dieses Gerät hat schon einen Passkey für dieses Konto.",
  offer: {
    title: "Nächstes Mal schneller",
    intro:
      "Mit einem Passkey melden Sie sich mit Fingerabdruck, Gesicht oder der PIN dieses Geräts an. Kein Code, nichts zu merken, und keine falsche Seite kann ihn stehlen.",
    later: "Jetzt nicht",
  },
  bind: {
    title: "Ihren Passkey erstellen",
    intro: (person) =>
      html`Damit melden Sie sich als <strong>${breakable(person)}</strong> an: mit Fingerabdruck, Gesicht oder der PIN dieses Geräts. Ohne Passwort, ohne Code.`,
    otherDevice:
      "Passkeys brauchen JavaScript und einen Browser, der sie unterstützt. Sie können diesen Link auch auf einem anderen Gerät öffnen.",
    done: "Ihr Passkey ist bereit",
    goOn: (realm) => `Ab jetzt melden Sie sich bei ${realm} damit an. Sie können diese Seite schließen.`,
  },
  problem: {
    failed: "Der Passkey konnte nicht geprüft werden. Nichts ist verloren: Versuchen Sie es noch einmal.",
    known: "Dieser Passkey gehört hier schon zu einem Konto.",
    full: "Dieses Konto hat zu viele Passkeys. Entfernen Sie zuerst einen.",
    denied: "Die Regeln hier erlauben diesen Passkey nicht.",
  },
};
