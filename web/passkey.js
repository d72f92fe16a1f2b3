// What a page of ours needs of WebAuthn: shows what is hidden where the browser can use passkeys, runs the ceremony that the page's data
// describe, and sends the page's own form with what came of it.
import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  startAuthentication,
  startRegistration,
} from "@simplewebauthn/browser";

const request = document.querySelector("[data-passkey-request]");
const creation = document.querySelector("[data-passkey-creation]");
if (browserSupportsWebAuthn()) {
  if (request instanceof HTMLElement) await offerRequest(request);
  if (creation instanceof HTMLElement) offerCreation(creation);
}

/** @param {HTMLElement} part */
async function offerRequest(part) {
  const optionsJSON = JSON.parse(part.dataset.passkeyRequest ?? "null");
  show(part, "[data-passkey-missing]");
  let isStarted = false;
  onStart(part, async () => {
    isStarted = true;
    send(part, await startAuthentication({ optionsJSON }));
  });
  if (document.querySelector('[autocomplete~="webauthn"]') === null) return;
  // The button may be pressed while a slow device thinks about this; to ask for suggestions then would end the ceremony that it began.
  if (!(await browserSupportsWebAuthnAutofill()) || isStarted) return;
  try {
    // Waits for as long as the page is open; starting the ceremony by the button ends it.
    send(part, await startAuthentication({ optionsJSON, useBrowserAutofill: true }));
  } catch {
    // Whoever does not choose a passkey from the suggestions has the button and the address.
  }
}

/** @param {HTMLElement} part */
function offerCreation(part) {
  const optionsJSON = JSON.parse(part.dataset.passkeyCreation ?? "null");
  if (optionsJSON === null) return;
  show(part, "[data-passkey-missing]");
  onStart(part, async () => send(part, await startRegistration({ optionsJSON })));
}

/**
 * @param {HTMLElement} part
 * @param {string} instead what is shown as long as the part is not
 */
function show(part, instead) {
  part.hidden = false;
  for (const element of document.querySelectorAll(instead)) if (element instanceof HTMLElement) element.hidden = true;
}

/**
 * @param {HTMLElement} part
 * @param {() => Promise<void>} start
 */
function onStart(part, start) {
  const button = part.querySelector("[data-passkey-start]");
  if (!(button instanceof HTMLButtonElement)) return;
  button.addEventListener("click", async () => {
    say(undefined);
    button.disabled = true;
    try {
      await start();
    } catch (error) {
      const isKnown = error instanceof Error && error.name === "InvalidStateError";
      say(isKnown ? "[data-passkey-known]" : "[data-passkey-problem]");
      button.disabled = false;
      button.focus();
    }
  });
}

/** @param {string | undefined} selector of the problem that is shown: the others are not */
function say(selector) {
  for (const element of document.querySelectorAll("[data-passkey-problem], [data-passkey-known]")) {
    if (element instanceof HTMLElement) element.hidden = selector === undefined || !element.matches(selector);
  }
}

/**
 * @param {HTMLElement} part
 * @param {unknown} credential
 */
function send(part, credential) {
  const field = part.querySelector('[name="credential"]');
  const submit = part.querySelector('[name="action"]');
  if (!(field instanceof HTMLInputElement) || !(submit instanceof HTMLButtonElement)) return;
  field.value = JSON.stringify(credential);
  submit.form?.requestSubmit(submit);
}
