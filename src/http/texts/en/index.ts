export { account } from "./account.ts";
export { consent } from "./consent.ts";
export { error } from "./error.ts";
export { frame } from "./frame.ts";
export { login } from "./login.ts";
export { logout } from "./logout.ts";
export { mail } from "./mail.ts";
export { passkey } from "./passkey.ts";
