// The login page: one address for all of it, and what is next by what the address says.
const { client = "", issuer = "" } = document.documentElement.dataset;
const { Embedded } = await import(client);

const embedded = await Embedded.initialize();
let url = location.href;

if (embedded.isAuthenticateUrl(url)) await showSignIn();
else if (embedded.isBindPasskeyUrl(url)) showBinding();

async function showSignIn() {
  hide("begin");
  show("sign-in");
  const { application, authMethods } = await embedded.getAuthenticationContext(url);
  say(`Sign in to ${application.displayName} by ${authMethods.length} ways`);
  on("passkey", "click", async () => leave(await embedded.authenticate(url)));
  on("address", "submit", async () => {
    ({ url } = await embedded.authenticateOtp(url, field("email")));
    show("code");
    say("Look at your mail");
  });
  on("code", "submit", async () => {
    const answer = await embedded.redeemOtp(url, field("code"));
    if (!("redirectUrl" in answer)) {
      ({ url } = answer);
      return say("That code does not work");
    }
    if (answer.passkeyBindingToken === undefined) return leave(answer);
    offerPasskey(answer);
  });
}

/**
 * Who has come by a code may make a passkey for the next time.
 *
 * @param {{ redirectUrl: string, passkeyBindingToken: string }} answer
 */
function offerPasskey(answer) {
  hide("sign-in");
  show("offer");
  say("Welcome");
  on("make", "click", async () => {
    const headers = { authorization: `Bearer ${answer.passkeyBindingToken}` };
    const made = await fetch(`${issuer}/credential-binding-jobs`, { method: "POST", headers });
    const { credential_binding_link } = await made.json();
    await embedded.bindPasskey(credential_binding_link);
    leave(answer);
  });
  on("go-on", "click", async () => leave(answer));
}

function showBinding() {
  hide("begin");
  show("bind");
  on("bind-here", "click", async () => {
    const { passkey } = await embedded.bindPasskey(url);
    hide("bind");
    show("begin");
    say(`Passkey made for ${passkey.identity.username}`);
  });
}

/** @param {{ redirectUrl: string }} answer */
function leave({ redirectUrl }) {
  location.assign(redirectUrl);
}

/**
 * @param {string} id
 * @param {string} event
 * @param {() => Promise<void>} work
 */
function on(id, event, work) {
  element(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    work().catch((error) => say(`${error.name}: ${error.message}`));
  });
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
}

/** @param {string} id */
function show(id) {
  element(id).hidden = false;
}

/** @param {string} id */
function hide(id) {
  element(id).hidden = true;
}

/** @param {string} text */
function say(text) {
  element("said").textContent = text;
}

/** @param {string} name */
function field(name) {
  const input = document.querySelector(`[name="${name}"]`);
  return input instanceof HTMLInputElement ? input.value : "";
}
