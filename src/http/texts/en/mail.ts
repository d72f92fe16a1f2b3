/** The mails to people. */
export const mail = {
  hello: (name: string) => `Hello ${name},`,
  help: "Help",
  insteadOfButton: "If the button does nothing, copy this address into your browser:",
  sentBy: (realm: string) => `Sent by ${realm}.`,
  code: {
    subject: (application: string) => `Your sign-in code for ${application}`,
    heading: "Your sign-in code",
    intro: (application: string) => `Your code for signing in to ${application}:`,
    validity: (minutes: number) =>
      `It works for ${minutes} minutes, once, and only in the browser where you asked for it.`,
    application: "Application",
    realm: "Realm",
    warning:
      "If this was not you: somebody typed your address there. Without this code nobody can sign in with it, so do not pass it on; you can delete this mail.",
  },
  bindingLink: {
    subject: (realm: string) => `Set up your passkey for ${realm}`,
    heading: "Set up your passkey",
    intro: (realm: string) =>
      `open this link on the device that you want to sign in to ${realm} with, to set up a passkey there:`,
    button: "Set up your passkey",
    validity: (days: number) =>
      `It works for ${days} days, once. Whoever has it can sign in as you: do not pass it on.`,
    warning: "If you did not expect this mail, delete it: nothing happens.",
  },
  passkeyAdded: {
    subject: (realm: string) => `A passkey was added to your account at ${realm}`,
    heading: "A passkey was added",
    intro: (realm: string) => `a passkey was added to your account at ${realm}. You can sign in with it from now on.`,
    itWasYou: "If that was you, there is nothing to do.",
    itWasNot:
      "If it was not you, somebody else can sign in as you: remove the passkey in your account at once, sign out the sessions that you do not know, and look at who can read this mailbox.",
  },
  passkeyRemoved: {
    subject: (realm: string) => `A passkey was removed from your account at ${realm}`,
    heading: "A passkey was removed",
    intro: (realm: string) =>
      `a passkey was removed from your account at ${realm}. Nobody can sign in with it any more.`,
    itWasYou: "If you wanted that, there is nothing to do.",
    itWasNot: "If you did not, look at your account, or ask whoever runs it.",
  },
  seeAccount: "Look at your account",
  passkey: "Passkey",
  time: "Time",
  browser: "Browser",
  browserOn: (browser: string, system: string) => `${browser} on ${system}`,
};
