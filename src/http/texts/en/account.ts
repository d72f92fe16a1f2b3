import { html } from "../../html.ts";

/** The page where people look after their own account. Times are said in words before. */
export const account = {
  title: "Your account",
  nobody: {
    title: "You are not signed in",
    intro: "Sign in to see where you are signed in, your passkeys, and which applications have access.",
    signIn: "Sign in",
    advice: (realm: string) =>
      html`Sign in to one of the applications of <strong>${realm}</strong> in this browser. Then open this page again.`,
  },
  stale: {
    here: "To change anything here, sign in again first.",
    elsewhere:
      "To change anything here, sign in again first: sign out, sign in to an application, and come back within 15 minutes.",
    signIn: "Sign in again",
  },
  sessions: {
    heading: "Where you are signed in",
    thisBrowser: "This browser",
    otherBrowser: "Another browser",
    byCode: (ago: string) => `Signed in ${ago}, with a code by email`,
    byPasskey: (ago: string) => `Signed in ${ago}, with a passkey`,
    seen: (ago: string) => `Last used ${ago}`,
    signOut: "Sign out",
    end: "Sign out there",
    endOthers: "Sign out everywhere else",
  },
  passkeys: {
    heading: "Your passkeys",
    none: "You have no passkey.",
    made: (ago: string) => `Made ${ago}`,
    used: (ago: string) => `Last used ${ago}`,
    neverUsed: "Not used yet",
    locked: (realm: string) =>
      `To change your passkeys, sign in with one of them. If you have lost them all, ask whoever runs ${realm} for a link.`,
    signIn: "Sign in with a passkey",
    remove: "Remove",
    rename: {
      start: "Rename",
      title: "Rename this passkey",
      intro: "So that you know it among others: the device that it is on, or the app that keeps it.",
      label: "Name",
      save: "Save",
      wrong: (max: number) => `The name has to have 1 to ${max} letters, digits or signs.`,
    },
    add: {
      start: "Add a passkey",
      title: "Add a passkey",
      intro: "For another device, or as a reserve: with two passkeys you are not locked out when one is lost.",
      back: "Back to your account",
    },
    last: {
      title: "Remove your last passkey?",
      meaning: (passkey: string, realm: string) =>
        html`Without <strong>${passkey}</strong> you can sign in only where a code by email is enough. Anywhere else, whoever runs ${realm} must send you a link for a new passkey.`,
      remove: "Remove it all the same",
      keep: "Keep it",
    },
  },
  applications: {
    heading: "Applications with access",
    none: "No application has access to your account.",
    given: (ago: string) => `Allowed ${ago}`,
    withdraw: "Withdraw",
    unasked: {
      approved: (realm: string) => `Approved by whoever runs ${realm}: you were not asked.`,
      given: (ago: string) => `Signed in ${ago}`,
      end: "End access",
    },
  },
  done: {
    signedOut: "You are signed out in this browser.",
    sessionEnded: "That browser is signed out.",
    othersEnded: "You are signed out everywhere but here.",
    passkeyAdded: "The passkey is there. From now on you can sign in with it.",
    passkeyRenamed: "The passkey has another name.",
    passkeyRemoved:
      "The passkey is removed. Nobody can sign in with it any more. You can delete it from your device, too.",
    accessWithdrawn: "The access is withdrawn. The application has to ask you again.",
    accessEnded: "The access has ended. The application gets it again when you sign in to it.",
  },
};
