import { html } from "../../html.ts";
import type { logout as english } from "../en/logout.ts";

export const logout: typeof english = {
  ask: {
    title: "Cerrar sesión",
    heading: "¿Cerrar la sesión?",
    meaning: (application) =>
      html`Se cerrará la sesión en <strong>${application}</strong> y en todo lo demás que use con esta cuenta en este navegador.`,
    signOut: "Cerrar sesión",
    hint: "Si no lo ha pedido usted, cierre esta página: la sesión sigue abierta.",
  },
  done: {
    title: "Sesión cerrada",
    heading: "La sesión está cerrada",
    advice: (application) =>
      html`Puede cerrar esta página o volver a <strong>${application}</strong> para iniciar sesión de nuevo.`,
  },
};
