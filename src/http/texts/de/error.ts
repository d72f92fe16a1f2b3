import type { error as english } from "../en/error.ts";

const BACK = "Bitte gehen Sie zurück zur Anwendung und beginnen Sie dort von vorn.";
const ASK = "Bitten Sie den Absender um einen neuen.";

export const error: typeof english = {
  forDevelopers: "Einzelheiten für die Entwickler",
  traceId: "Vorgangsnummer",
  busy: {
    heading: "Bitte versuchen Sie es gleich noch einmal",
    advice: "Der Server ist ausgelastet. Es ist nichts verloren; laden Sie diese Seite in ein paar Sekunden neu.",
  },
  tooMany: {
    heading: "Bitte warten Sie ein wenig",
    advice: (wait) =>
      `Es wollen sich mehr Menschen anmelden, als in einer Minute eingelassen werden. Es ist nichts verloren; laden Sie diese Seite in ${wait} neu.`,
  },
  failed: {
    heading: "Bei uns ist etwas schiefgegangen",
    advice: "Bitte gehen Sie zurück zur Anwendung und versuchen Sie es noch einmal.",
  },
  refused: {
    heading: "Dieser Link lässt sich nicht verwenden",
    advice:
      "Die Anwendung hat Sie mit einer Anfrage hierher geschickt, die wir nicht annehmen können. Bitte gehen Sie zurück und versuchen Sie es noch einmal; wenn es wieder geschieht, sagen Sie es ihren Entwicklern.",
  },
  login: {
    unknown: {
      heading: "Diese Anmeldung ist nicht bekannt",
      advice: `Vielleicht ist sie schon länger zu Ende. ${BACK}`,
    },
    expired: {
      heading: "Diese Anmeldung ist abgelaufen",
      advice: `Für eine Anmeldung sind zehn Minuten Zeit. ${BACK}`,
    },
    answered: {
      heading: "Diese Anmeldung ist beendet",
      advice: `Sie wurde abgeschlossen oder abgebrochen; auf dieser Seite gibt es nichts mehr zu tun. ${BACK}`,
    },
    other_browser: {
      heading: "Diese Anmeldung gehört zu einem anderen Browser",
      advice: `Sie wurde in einem anderen Browser begonnen, oder dieser hier speichert keine Cookies. ${BACK}`,
    },
  },
  bindingLink: {
    unknown: {
      heading: "Dieser Link ist nicht gültig",
      advice: `Vielleicht wurde er unterwegs abgeschnitten. ${ASK}`,
    },
    over: {
      heading: "Dieser Link funktioniert nicht mehr",
      advice: `Er wurde schon benutzt, ist abgelaufen oder wurde zurückgezogen. ${ASK}`,
    },
  },
};
