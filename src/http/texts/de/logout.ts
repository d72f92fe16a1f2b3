import { html } from "../../html.ts";
import type { logout as english } from "../en/logout.ts";

export const logout: typeof english = {
  ask: {
    title: "Abmelden",
    heading: "Abmelden?",
    meaning: (application) =>
      html`Sie werden von <strong>${application}</strong> abgemeldet und von allem anderen, das Sie in diesem Browser mit diesem Konto verwenden.`,
    signOut: "Abmelden",
    hint: "Wenn Sie das nicht wollten, schließen Sie diese Seite: Sie bleiben angemeldet.",
  },
  done: {
    title: "Abgemeldet",
    heading: "Sie sind abgemeldet",
    advice: (application) =>
      html`Sie können diese Seite schließen oder zu <strong>${application}</strong> zurückgehen, um sich wieder anzumelden.`,
  },
};
