/** What an application's own pages take over (reference 3.1): a link that binds a passkey, or a login. */
export type InvokedFor = "bind" | "bi-authenticate";

/** An invoke URL with what is appended to its path; a query that it has is kept. */
export function belowInvokeUrl(invokeUrl: string, invokedFor: InvokedFor): string {
  const question = invokeUrl.indexOf("?");
  const path = question === -1 ? invokeUrl : invokeUrl.slice(0, question);
  return `${path.replace(/\/$/, "")}/${invokedFor}${question === -1 ? "" : invokeUrl.slice(question)}`;
}
