import { html } from "../../html.ts";
import type { account as english } from "../en/account.ts";

export const account: typeof english = {
  title: "Ihr Konto",
  nobody: {
    title: "Sie sind nicht angemeldet",
    intro:
      "Melden Sie sich an, um zu sehen, wo Sie angemeldet sind, welche Passkeys Sie haben und welche Anwendungen Zugriff haben.",
    signIn: "Anmelden",
    advice: (realm) =>
      html`Melden Sie sich in diesem Browser bei einer der Anwendungen von <strong>${realm}</strong> an. Öffnen Sie dann diese Seite noch einmal.`,
  },
  stale: {
    here: "Um hier etwas zu ändern, melden Sie sich zuerst neu an.",
    elsewhere:
      "Um hier etwas zu ändern, melden Sie sich zuerst neu an: Melden Sie sich ab, bei einer Anwendung wieder an, und kommen Sie innerhalb von 15 Minuten zurück.",
    signIn: "Neu anmelden",
  },
  sessions: {
    heading: "Wo Sie angemeldet sind",
    thisBrowser: "Dieser Browser",
    otherBrowser: "Ein anderer Browser",
    byCode: (ago) => `Angemeldet ${ago}, mit einem Code per E-Mail`,
    byPasskey: (ago) => `Angemeldet ${ago}, mit einem Passkey`,
    seen: (ago) => `Zuletzt verwendet ${ago}`,
    signOut: "Abmelden",
    end: "Dort abmelden",
    endOthers: "Überall sonst abmelden",
  },
  passkeys: {
    heading: "Ihre Passkeys",
    none: "Sie haben keinen Passkey.",
    made: (ago) => `Erstellt ${ago}`,
    used: (ago) => `Zuletzt verwendet ${ago}`,
    neverUsed: "Noch nicht verwendet",
    locked: (realm) =>
      `Um Ihre Passkeys zu ändern, melden Sie sich mit einem davon an. Wenn Sie alle verloren haben, bitten Sie die Betreiber von ${realm} um einen Link.`,
    signIn: "Mit einem Passkey anmelden",
    remove: "Entfernen",
    rename: {
      start: "Umbenennen",
      title: "Diesen Passkey umbenennen",
      intro: "Damit Sie ihn unter anderen erkennen: das Gerät, auf dem er ist, oder die App, die ihn aufbewahrt.",
      label: "Bezeichnung",
      save: "Speichern",
      wrong: (max) => `Die Bezeichnung muss 1 bis ${max} Buchstaben, Ziffern oder Zeichen haben.`,
    },
    add: {
      start: "Passkey hinzufügen",
      title: "Passkey hinzufügen",
      intro:
        "Für ein anderes Gerät oder als Reserve: Mit zwei Passkeys sind Sie nicht ausgesperrt, wenn einer verloren geht.",
      back: "Zurück zu Ihrem Konto",
    },
    last: {
      title: "Den letzten Passkey entfernen?",
      meaning: (passkey, realm) =>
        html`Ohne <strong>${passkey}</strong> können Sie sich nur noch dort anmelden, wo ein Code per E-Mail genügt. Für alles andere müssen die Betreiber von ${realm} Ihnen einen Link für einen neuen Passkey schicken.`,
      remove: "Trotzdem entfernen",
      keep: "Behalten",
    },
  },
  applications: {
    heading: "Anwendungen mit Zugriff",
    none: "Keine Anwendung hat Zugriff auf Ihr Konto.",
    given: (ago) => `Erlaubt ${ago}`,
    withdraw: "Widerrufen",
    unasked: {
      approved: (realm) => `Von den Betreibern von ${realm} freigegeben: Sie wurden nicht gefragt.`,
      given: (ago) => `Angemeldet ${ago}`,
      end: "Zugriff beenden",
    },
  },
  done: {
    signedOut: "Sie sind in diesem Browser abgemeldet.",
    sessionEnded: "Jener Browser ist abgemeldet.",
    othersEnded: "Sie sind überall abgemeldet, nur hier nicht.",
    passkeyAdded: "Der Passkey ist da. Ab jetzt können Sie sich mit ihm anmelden.",
    passkeyRenamed: "Der Passkey heißt jetzt anders.",
    passkeyRemoved:
      "Der Passkey ist entfernt. Niemand kann sich mehr mit ihm anmelden. Sie können ihn auch auf Ihrem Gerät löschen.",
    accessWithdrawn: "Der Zugriff ist widerrufen. Die Anwendung muss Sie neu fragen.",
    accessEnded: "Der Zugriff ist beendet. Die Anwendung erhält ihn wieder, wenn Sie sich bei ihr anmelden.",
  },
};
