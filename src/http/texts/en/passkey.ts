import { breakable, html } from "../../html.ts";

/** Passkeys: on the first page of a login, after a code, and behind a link. */
export const passkey = {
  or: "or",
  signIn: "Sign in with a passkey",
  intro: "Use your passkey: your fingerprint, your face, or the PIN of your device.",
  noWayIn: "There is no way to sign in here at the moment. Please tell whoever runs this application.",
  missing: "Passkeys need JavaScript, and a browser that supports them.",
  notUsed: "That did not work. Try again, or sign in another way.",
  refused: "This passkey does not work here. Try another one, or sign in another way.",
  create: "Create a passkey",
  notMade: "No passkey was made. Nothing is lost: try again.",
  alreadyHere: "This device has a passkey for this account already.",
  offer: {
    title: "Faster next time",
    intro:
      "With a passkey you sign in with your fingerprint, your face or the PIN of this device. No code, nothing to remember, and no false page can steal it.",
    later: "Not now",
  },
  bind: {
    title: "Create your passkey",
    intro: (person: string) =>
      html`With it you sign in as <strong>${breakable(person)}</strong>: by your fingerprint, your face or the PIN of this device. No password, no code.`,
    otherDevice:
      "Passkeys need JavaScript, and a browser that supports them. You can open this link on another device.",
    done: "Your passkey is ready",
    goOn: (realm: string) => `From now on you sign in to ${realm} with it. You can close this page.`,
  },
  problem: {
    failed: "The passkey could not be checked. Nothing is lost: try again.",
    known: "This passkey belongs to an account here already.",
    full: "There are too many passkeys for this account. Remove one first.",
    denied: "The rules here do not allow this passkey.",
  },
};
