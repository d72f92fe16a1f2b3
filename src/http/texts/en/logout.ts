import { html } from "../../html.ts";

/** The pages of a logout. */
export const logout = {
  ask: {
    title: "Sign out",
    heading: "Sign out?",
    meaning: (application: string) =>
      html`You will be signed out of <strong>${application}</strong> and of everything else that you use with this account in this browser.`,
    signOut: "Sign out",
    hint: "If you did not ask for this, close this page: you stay signed in.",
  },
  done: {
    title: "Signed out",
    heading: "You are signed out",
    advice: (application: string) =>
      html`You can close this page, or go back to <strong>${application}</strong> to sign in again.`,
  },
};
