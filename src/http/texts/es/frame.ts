import type { frame as english } from "../en/frame.ts";

export const frame: typeof english = {
  testTenant: "Entorno de pruebas",
  testTenantMeaning: "solo para pruebas: todos los códigos son 424242; los correos se guardan y nunca se envían",
  support: "Ayuda",
  securedBy: "Protegido con Mayfly",
};
