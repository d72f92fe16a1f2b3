import { breakable, html } from "../../html.ts";
import type { login as english } from "../en/login.ts";

export const login: typeof english = {
  cancel: "Cancelar",
  backTo: (application) => `Volver a ${application}`,
  address: {
    title: "Iniciar sesión",
    intro: "Le enviaremos un código por correo. No hace falta contraseña.",
    label: "Correo electrónico",
    send: "Enviarme un código",
    wrong: "Introduzca su dirección de correo, por ejemplo nombre@example.com.",
    again: "Ha pasado un rato. Para terminar, inicie sesión otra vez; su respuesta queda guardada.",
  },
  code: {
    title: "Introducir el código",
    heading: "Revise su correo",
    intro: (address, minutes) =>
      html`Si <strong>${breakable(address)}</strong> puede iniciar sesión aquí, va en camino un código. Vale durante ${minutes} minutos y solo en este navegador.`,
    label: "Código",
    format: "las cifras del código",
    verify: "Iniciar sesión",
    sendAgain: "Enviar un código nuevo",
    otherAddress: "Usar otra dirección",
    hint: "¿No ha llegado nada en un minuto? Mire en la carpeta de correo no deseado. En una hora se envían pocos códigos.",
    sentAgain: "Se ha pedido un código nuevo. Solo vale el último.",
    wrong: "Ese código no vale. Use el del último correo o pida uno nuevo.",
    incomplete: "Introduzca todas las cifras del código.",
  },
  triesSpent: {
    title: "Demasiados códigos equivocados",
    advice: (application) =>
      html`Por su seguridad, este inicio de sesión ha terminado. Empiece de nuevo en <strong>${application}</strong>; recibirá otro código.`,
  },
  denied: {
    title: "No puede iniciar sesión aquí",
    advice: (application, realm) =>
      html`Las reglas de <strong>${realm}</strong> no permiten este inicio de sesión en ${application}. Si cree que deberían, consulte a quien lo gestiona.`,
  },
  confirm: {
    title: "Continuar",
    heading: (application) => `¿Continuar a ${application}?`,
    signedInAs: (person) => html`La sesión está iniciada como <strong>${breakable(person)}</strong>.`,
    nobody: "su cuenta",
    goOn: "Continuar",
    otherAccount: "Usar otra cuenta",
  },
  sentBack: {
    title: "Continuar",
    heading: "Ya casi está",
    intro: "Volviendo a la aplicación.",
    goOn: "Continuar",
    received: "La aplicación tiene su respuesta, pero lleva a una dirección a la que su navegador no va desde aquí.",
    openClient: (host) => `Abrir ${host}`,
  },
};
