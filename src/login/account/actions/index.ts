import type { AccountAction } from "./action.ts";
import { addPasskey, createPasskey } from "./add-passkey.ts";
import { removePasskey } from "./remove-passkey.ts";
import { namePasskey, renamePasskey } from "./rename-passkey.ts";
import { endOthers, endSession, signOut } from "./sessions.ts";
import { endAccess, withdraw } from "./withdraw.ts";

/** Everything that can be done on the account page. Adding something is a file and a line. */
export const ACCOUNT_ACTIONS: readonly AccountAction[] = [
  signOut,
  endSession,
  endOthers,
  addPasskey,
  createPasskey,
  renamePasskey,
  namePasskey,
  removePasskey,
  withdraw,
  endAccess,
];
