import { html } from "../../html.ts";
import type { account as english } from "../en/account.ts";

export const account: typeof english = {
  title: "Su cuenta",
  nobody: {
    title: "No ha iniciado sesión",
    intro: "Inicie sesión para ver dónde la tiene abierta, sus llaves de acceso y qué aplicaciones tienen acceso.",
    signIn: "Iniciar sesión",
    advice: (realm) =>
      html`Inicie sesión en este navegador en una de las aplicaciones de <strong>${realm}</strong>. Después, vuelva a abrir esta página.`,
  },
  stale: {
    here: "Para cambiar algo aquí, inicie sesión de nuevo.",
    elsewhere:
      "Para cambiar algo aquí, inicie sesión de nuevo: cierre la sesión, iníciela en una aplicación y vuelva en menos de 15 minutos.",
    signIn: "Iniciar sesión de nuevo",
  },
  sessions: {
    heading: "Dónde ha iniciado sesión",
    thisBrowser: "Este navegador",
    otherBrowser: "Otro navegador",
    byCode: (ago) => `Sesión iniciada ${ago}, con un código por correo`,
    byPasskey: (ago) => `Sesión iniciada ${ago}, con una llave de acceso`,
    seen: (ago) => `Último uso ${ago}`,
    signOut: "Cerrar sesión",
    end: "Cerrar esa sesión",
    endOthers: "Cerrar sesión en todos los demás",
  },
  passkeys: {
    heading: "Sus llaves de acceso",
    none: "No tiene ninguna llave de acceso.",
    made: (ago) => `Creada ${ago}`,
    used: (ago) => `Usada por última vez ${ago}`,
    neverUsed: "Todavía sin usar",
    locked: (realm) =>
      `Para cambiar sus llaves de acceso, inicie sesión con una de ellas. Si las ha perdido todas, pida un enlace a quien gestiona ${realm}.`,
    signIn: "Iniciar sesión con una llave de acceso",
    remove: "Eliminar",
    rename: {
      start: "Renombrar",
      title: "Renombrar esta llave de acceso",
      intro: "Para reconocerla entre otras: el dispositivo en el que está o la aplicación que la guarda.",
      label: "Nombre",
      save: "Guardar",
      wrong: (max) => `El nombre debe tener de 1 a ${max} letras, cifras o signos.`,
    },
    add: {
      start: "Añadir una llave de acceso",
      title: "Añadir una llave de acceso",
      intro: "Para otro dispositivo o como reserva: con dos llaves no se queda fuera si pierde una.",
      back: "Volver a su cuenta",
    },
    last: {
      title: "¿Eliminar su última llave de acceso?",
      meaning: (passkey, realm) =>
        html`Sin <strong>${passkey}</strong> solo podrá iniciar sesión donde baste un código por correo. Para lo demás, quien gestiona ${realm} tendrá que enviarle un enlace para crear una llave nueva.`,
      remove: "Eliminarla de todos modos",
      keep: "Conservarla",
    },
  },
  applications: {
    heading: "Aplicaciones con acceso",
    none: "Ninguna aplicación tiene acceso a su cuenta.",
    given: (ago) => `Permitido ${ago}`,
    withdraw: "Retirar",
    unasked: {
      approved: (realm) => `Aprobado por quien gestiona ${realm}: no se le ha preguntado a usted.`,
      given: (ago) => `Sesión iniciada ${ago}`,
      end: "Terminar el acceso",
    },
  },
  done: {
    signedOut: "Ha cerrado la sesión en este navegador.",
    sessionEnded: "La sesión en ese navegador está cerrada.",
    othersEnded: "La sesión está cerrada en todas partes menos aquí.",
    passkeyAdded: "La llave de acceso está lista. A partir de ahora puede iniciar sesión con ella.",
    passkeyRenamed: "La llave de acceso tiene otro nombre.",
    passkeyRemoved:
      "La llave de acceso está eliminada. Ya nadie puede iniciar sesión con ella. También puede borrarla de su dispositivo.",
    accessWithdrawn: "El acceso está retirado. La aplicación tendrá que volver a pedírselo.",
    accessEnded: "El acceso ha terminado. La aplicación lo recupera cuando usted inicia sesión en ella.",
  },
};
