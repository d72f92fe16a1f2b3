import { breakable, html } from "../../html.ts";

/** The pages of a login, from the question for an address to the way back. */
export const login = {
  cancel: "Cancel",
  backTo: (application: string) => `Back to ${application}`,
  address: {
    title: "Sign in",
    intro: "We will mail you a code. No password needed.",
    label: "Email address",
    send: "Email me a code",
    wrong: "Enter your email address, such as name@example.com.",
    again: "That took a while. To finish, sign in once more; your answer is kept.",
  },
  code: {
    title: "Enter your code",
    heading: "Check your email",
    intro: (address: string, minutes: number) =>
      html`If <strong>${breakable(address)}</strong> can sign in here, a code is on its way. It works for ${minutes} minutes, in this browser only.`,
    label: "Code",
    format: "the digits of the code",
    verify: "Sign in",
    sendAgain: "Send a new code",
    otherAddress: "Use another address",
    hint: "Nothing there after a minute? Look in the spam folder. Only a few codes are sent in an hour.",
    sentAgain: "Asked for a new code. Only the newest one works.",
    wrong: "That code does not work. Use the one from the newest mail, or send a new one.",
    incomplete: "Enter all digits of the code.",
  },
  triesSpent: {
    title: "Too many wrong codes",
    advice: (application: string) =>
      html`For your safety this sign-in has ended. Start again from <strong>${application}</strong>; you will get a new code.`,
  },
  denied: {
    title: "You cannot sign in here",
    advice: (application: string, realm: string) =>
      html`The rules of <strong>${realm}</strong> do not allow this sign-in to ${application}. If you think that they should, ask whoever runs it.`,
  },
  confirm: {
    title: "Continue",
    heading: (application: string) => `Continue to ${application}?`,
    signedInAs: (person: string) => html`You are signed in as <strong>${breakable(person)}</strong>.`,
    /** for somebody without a name to be called by */
    nobody: "your account",
    goOn: "Continue",
    otherAccount: "Use another account",
  },
  sentBack: {
    title: "Continue",
    heading: "Almost there",
    intro: "You are being sent back to the application.",
    goOn: "Continue",
    received: "The application has its answer, but leads on to an address that your browser does not go to from here.",
    openClient: (host: string) => `Open ${host}`,
  },
};
