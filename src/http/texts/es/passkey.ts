import { breakable, html } from "../../html.ts";
import type { passkey as english } from "../en/passkey.ts";

export const passkey: typeof english = {
  or: "o",
  signIn: "Iniciar sesión con una llave de acceso",
  intro: "Utilice su llave de acceso: la huella, la cara o el PIN de su dispositivo.",
  noWayIn: "Por ahora no se puede iniciar sesión aquí. Avise a quien gestiona esta aplicación.",
  missing: "Las llaves de acceso necesitan JavaScript y un navegador compatible.",
  notUsed: "No ha funcionado. Inténtelo de nuevo o inicie sesión de otra manera.",
  refused: "Esta llave de acceso no sirve aquí. Pruebe otra o inicie sesión de otra manera.",
  create: "Crear una llave de acceso",
  notMade: "No se ha creado ninguna llave de acceso. No se ha perdido nada: inténtelo de nuevo.",
  alreadyHere: "Este dispositivo ya tiene una llave de acceso para esta cuenta.",
  offer: {
    title: "Más rápido la próxima vez",
    intro:
      "Con una llave de acceso se inicia sesión con la huella, la cara o el PIN de este dispositivo. Sin códigos, nada que recordar, y ninguna página falsa puede robarla.",
    later: "Ahora no",
  },
  bind: {
    title: "Cree su llave de acceso",
    intro: (person) =>
      html`Con ella iniciará sesión como <strong>${breakable(person)}</strong>: con la huella, la cara o el PIN de este dispositivo. Sin contraseña y sin códigos.`,
    otherDevice:
      "Las llaves de acceso necesitan JavaScript y un navegador compatible. Puede abrir este enlace en otro dispositivo.",
    done: "Su llave de acceso está lista",
    goOn: (realm) => `A partir de ahora iniciará sesión en ${realm} con ella. Puede cerrar esta página.`,
  },
  problem: {
    failed: "No se ha podido comprobar la llave de acceso. No se ha perdido nada: inténtelo de nuevo.",
    known: "Esta llave de acceso ya pertenece a una cuenta aquí.",
    full: "Esta cuenta tiene demasiadas llaves de acceso. Elimine una antes.",
    denied: "Las reglas de aquí no permiten esta llave de acceso.",
  },
};
