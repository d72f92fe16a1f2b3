// Posts an answer to its client. Should the client lead on to another origin, a browser may hold that to the policy of the page that the
// form is on: the client has its answer then, and the person goes on by a link.

const form = document.getElementById("answer");
document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
  const sending = document.getElementById("sending");
  const received = document.getElementById("received");
  if (effectiveDirective !== "form-action" || sending === null || received === null) return;
  sending.hidden = true;
  received.hidden = false;
});
if (form instanceof HTMLFormElement) form.submit();
