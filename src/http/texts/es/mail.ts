import type { mail as english } from "../en/mail.ts";

export const mail: typeof english = {
  hello: (name) => `Hola, ${name}:`,
  help: "Ayuda",
  insteadOfButton: "Si el botón no hace nada, copie esta dirección en su navegador:",
  sentBy: (realm) => `Enviado por ${realm}.`,
  code: {
    subject: (application) => `Su código para iniciar sesión en ${application}`,
    heading: "Su código para iniciar sesión",
    intro: (application) => `Su código para iniciar sesión en ${application}:`,
    validity: (minutes) => `Vale durante ${minutes} minutos, una sola vez y solo en el navegador donde lo pidió.`,
    application: "Aplicación",
    realm: "Dominio",
    warning:
      "Si no fue usted: alguien escribió allí su dirección. Sin este código nadie puede iniciar sesión con ella, así que no lo comparta; puede borrar este correo.",
  },
  bindingLink: {
    subject: (realm) => `Configure su llave de acceso para ${realm}`,
    heading: "Configure su llave de acceso",
    intro: (realm) =>
      `Abra este enlace en el dispositivo con el que quiere iniciar sesión en ${realm} para configurar en él una llave de acceso:`,
    button: "Configurar la llave de acceso",
    validity: (days) =>
      `Vale durante ${days} días y una sola vez. Quien lo tenga puede iniciar sesión como usted: no lo comparta.`,
    warning: "Si no esperaba este correo, bórrelo: no pasa nada.",
  },
  passkeyAdded: {
    subject: (realm) => `Se ha añadido una llave de acceso a su cuenta en ${realm}`,
    heading: "Se ha añadido una llave de acceso",
    intro: (realm) =>
      `Se ha añadido una llave de acceso a su cuenta en ${realm}. Desde ahora puede iniciar sesión con ella.`,
    itWasYou: "Si fue usted, no tiene que hacer nada.",
    itWasNot:
      "Si no fue usted, otra persona puede iniciar sesión en su nombre: quite enseguida la llave de acceso en su cuenta, cierre las sesiones que no conozca y compruebe quién puede leer este buzón.",
  },
  passkeyRemoved: {
    subject: (realm) => `Se ha quitado una llave de acceso de su cuenta en ${realm}`,
    heading: "Se ha quitado una llave de acceso",
    intro: (realm) =>
      `Se ha quitado una llave de acceso de su cuenta en ${realm}. Ya nadie puede iniciar sesión con ella.`,
    itWasYou: "Si así lo quería, no tiene que hacer nada.",
    itWasNot: "Si no, mire su cuenta o consulte a quien la gestiona.",
  },
  seeAccount: "Ver su cuenta",
  passkey: "Llave de acceso",
  time: "Hora",
  browser: "Navegador",
  browserOn: (browser, system) => `${browser} en ${system}`,
};
