import type { error as english } from "../en/error.ts";

const BACK = "Vuelva a la aplicación y empiece allí de nuevo.";
const ASK = "Pida uno nuevo a quien se lo envió.";

export const error: typeof english = {
  forDevelopers: "Detalles para quien desarrolla la aplicación",
  traceId: "Identificador de seguimiento",
  busy: {
    heading: "Inténtelo de nuevo dentro de un momento",
    advice: "El servidor está ocupado. No se ha perdido nada: vuelva a cargar esta página en unos segundos.",
  },
  tooMany: {
    heading: "Espere un poco, por favor",
    advice: (wait) =>
      `Hay más inicios de sesión de los que se admiten en un minuto. No se ha perdido nada: vuelva a cargar esta página en ${wait}.`,
  },
  failed: {
    heading: "Algo ha fallado por nuestra parte",
    advice: "Vuelva a la aplicación e inténtelo de nuevo.",
  },
  refused: {
    heading: "Este enlace no se puede usar",
    advice:
      "La aplicación ha enviado aquí una solicitud que no podemos aceptar. Vuelva a ella e inténtelo de nuevo; si ocurre otra vez, avise a quien la desarrolla.",
  },
  login: {
    unknown: {
      heading: "Este inicio de sesión no es conocido",
      advice: `Puede que haya terminado hace tiempo. ${BACK}`,
    },
    expired: {
      heading: "Este inicio de sesión ha caducado",
      advice: `Un inicio de sesión debe completarse en diez minutos. ${BACK}`,
    },
    answered: {
      heading: "Este inicio de sesión ha terminado",
      advice: `Se completó o se canceló, así que en esta página ya no queda nada por hacer. ${BACK}`,
    },
    other_browser: {
      heading: "Este inicio de sesión pertenece a otro navegador",
      advice: `Se empezó en otro navegador, o este no guarda cookies. ${BACK}`,
    },
  },
  bindingLink: {
    unknown: {
      heading: "Este enlace no es válido",
      advice: `Puede que se haya cortado por el camino. ${ASK}`,
    },
    over: {
      heading: "Este enlace ya no funciona",
      advice: `Se usó, ha caducado o fue retirado. ${ASK}`,
    },
  },
};
