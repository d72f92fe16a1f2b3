const BACK = "Go back to the application and start again there.";
const ASK = "Ask whoever sent it to you for a new one.";

/** Pages that say what went wrong and what to do now. */
export const error = {
  forDevelopers: "Details for the developer",
  traceId: "Trace id",
  busy: {
    heading: "Please try again in a moment",
    advice: "The server is busy. Nothing was lost; reload this page in a few seconds.",
  },
  tooMany: {
    heading: "Please wait a little",
    advice: (wait: string) =>
      `More people have come to sign in than are let in within a minute. Nothing was lost; reload this page in ${wait}.`,
  },
  failed: {
    heading: "Something went wrong on our side",
    advice: "Please go back to the application and try again.",
  },
  refused: {
    heading: "This link cannot be used",
    advice:
      "The application sent you here with a request that we cannot accept. Please go back to it and try again; if it happens again, tell its developers.",
  },
  login: {
    unknown: { heading: "This sign-in is not known", advice: `It may have ended some time ago. ${BACK}` },
    expired: { heading: "This sign-in has expired", advice: `A sign-in must be finished within ten minutes. ${BACK}` },
    answered: {
      heading: "This sign-in is finished",
      advice: `It was completed or cancelled, so this page has nothing left to do. ${BACK}`,
    },
    other_browser: {
      heading: "This sign-in belongs to another browser",
      advice: `It was started in another browser, or this one does not keep cookies. ${BACK}`,
    },
  },
  bindingLink: {
    unknown: { heading: "This link is not valid", advice: `It may have been cut off on its way. ${ASK}` },
    over: { heading: "This link does not work any more", advice: `It was used, has expired or was withdrawn. ${ASK}` },
  },
};
