import { html } from "../../html.ts";
import type { consent as english } from "../en/consent.ts";

export const consent: typeof english = {
  title: "Permitir el acceso",
  heading: (application) => `¿Permitir el acceso a ${application}?`,
  asksFor: (application) => `${application} solicita:`,
  asksForNothing: (application) => `${application} solo le pide que inicie sesión.`,
  gives: {
    openid: "quién es usted",
    profile: "su nombre y su perfil",
    email: "su dirección de correo electrónico",
    phone: "su número de teléfono",
    address: "su dirección postal",
  },
  claims: {
    name: "su nombre completo",
    family_name: "sus apellidos",
    given_name: "su nombre de pila",
    middle_name: "su segundo nombre",
    nickname: "su apodo",
    preferred_username: "su nombre de usuario",
    profile: "la dirección de su página de perfil",
    picture: "su foto",
    zoneinfo: "su zona horaria",
    locale: "su idioma",
    updated_at: "cuándo se modificó su perfil por última vez",
    email: "su dirección de correo electrónico",
    email_verified: "si su dirección de correo electrónico está verificada",
    phone_number: "su número de teléfono",
    phone_number_verified: "si su número de teléfono está verificado",
    address: "su dirección postal",
  },
  rightsAt: (server) => html`estos permisos en <strong>${server}</strong>:`,
  lifetime: {
    label: "Cada acceso dura como máximo",
    only: (duration) => html`Cada acceso dura como máximo <strong>${duration}</strong>.`,
    longest: (duration) => `${duration} (máximo)`,
    wrong: "Elija una de las duraciones de la lista.",
  },
  renewal: {
    label: "Se puede renovar como máximo durante",
    untilSignOut: (application) => html`Cuando cierre la sesión, ${application} ya no podrá renovar nada.`,
    goesOn: (application) =>
      html`${application} puede hacerlo también <strong>mientras usted no está</strong> y después de cerrar la sesión.`,
    none: (application) => html`Después, ${application} tendrá que volver a enviarle aquí.`,
    whileSignedIn: (application, duration) =>
      html`${application} puede renovarlo durante <strong>${duration}</strong>, salvo que cierre la sesión antes.`,
    whileAway: (application, duration) =>
      html`${application} puede renovarlo durante <strong>${duration}</strong>, también <strong>mientras usted no está</strong> y después de que haya cerrado la sesión.`,
  },
  allow: "Permitir",
  refuse: "No permitir",
  changed: "Lo que se solicita ha cambiado desde que abrió esta página. Léalo de nuevo, por favor.",
};
