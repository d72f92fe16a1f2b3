import type { mail as english } from "../en/mail.ts";

export const mail: typeof english = {
  hello: (name) => `Guten Tag ${name},`,
  help: "Hilfe",
  insteadOfButton: "Wenn die Schaltfläche nichts bewirkt, kopieren Sie diese Adresse in Ihren Browser:",
  sentBy: (realm) => `Gesendet von ${realm}.`,
  code: {
    subject: (application) => `Ihr Anmeldecode für ${application}`,
    heading: "Ihr Anmeldecode",
    intro: (application) => `Ihr Code für die Anmeldung bei ${application}:`,
    validity: (minutes) =>
      `Er gilt ${minutes} Minuten, einmal und nur in dem Browser, in dem Sie ihn angefordert haben.`,
    application: "Anwendung",
    realm: "Bereich",
    warning:
      "Wenn Sie das nicht waren: Jemand hat dort Ihre Adresse eingegeben. Ohne diesen Code kann sich niemand damit anmelden; geben Sie ihn also nicht weiter. Sie können diese E-Mail löschen.",
  },
  bindingLink: {
    subject: (realm) => `Richten Sie Ihren Passkey für ${realm} ein`,
    heading: "Passkey einrichten",
    intro: (realm) =>
      `öffnen Sie diesen Link auf dem Gerät, mit dem Sie sich bei ${realm} anmelden möchten, um dort einen Passkey einzurichten:`,
    button: "Passkey einrichten",
    validity: (days) =>
      `Er gilt ${days} Tage und einmal. Wer ihn hat, kann sich als Sie anmelden: Geben Sie ihn nicht weiter.`,
    warning: "Wenn Sie diese E-Mail nicht erwartet haben, löschen Sie sie: Es geschieht nichts.",
  },
  passkeyAdded: {
    subject: (realm) => `Ihrem Konto bei ${realm} wurde ein Passkey hinzugefügt`,
    heading: "Ein Passkey wurde hinzugefügt",
    intro: (realm) =>
      `Ihrem Konto bei ${realm} wurde ein Passkey hinzugefügt. Sie können sich ab jetzt damit anmelden.`,
    itWasYou: "Wenn Sie das waren, ist nichts zu tun.",
    itWasNot:
      "Wenn Sie es nicht waren, kann sich jemand anderes als Sie anmelden: Entfernen Sie den Passkey sofort in Ihrem Konto, melden Sie Sitzungen ab, die Sie nicht kennen, und prüfen Sie, wer dieses Postfach lesen kann.",
  },
  passkeyRemoved: {
    subject: (realm) => `Ein Passkey wurde aus Ihrem Konto bei ${realm} entfernt`,
    heading: "Ein Passkey wurde entfernt",
    intro: (realm) => `aus Ihrem Konto bei ${realm} wurde ein Passkey entfernt. Niemand kann sich mehr damit anmelden.`,
    itWasYou: "Wenn Sie das wollten, ist nichts zu tun.",
    itWasNot: "Wenn nicht, sehen Sie in Ihrem Konto nach, oder fragen Sie dessen Betreiber.",
  },
  seeAccount: "Konto ansehen",
  passkey: "Passkey",
  time: "Zeit",
  browser: "Browser",
  browserOn: (browser, system) => `${browser} unter ${system}`,
};
