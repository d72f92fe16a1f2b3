import { type Config, ConfigError } from "../config.ts";

interface Listener {
  listen(place: { readonly host: string; readonly port: number }): Promise<unknown>;
}

/** Where a listener listens, and the settings that say so. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly settings: { readonly host: string; readonly port: string };
}

/** Where everyone is answered. */
export function mainPlaceOf({ host, port }: Config): Place {
  return { host, port, settings: { host: "MAYFLY_HOST", port: "MAYFLY_PORT" } };
}

/** Where operators are. */
export function operationsPlaceOf({ opsHost, opsPort }: Config): Place {
  return { host: opsHost, port: opsPort, settings: { host: "MAYFLY_OPS_HOST", port: "MAYFLY_OPS_PORT" } };
}

/**
 * Listens where the settings say.
 *
 * @throws ConfigError naming the setting that is in the way, and what to do
 */
export async function listen(listener: Listener, { host, port, settings }: Place): Promise<void> {
  try {
    await listener.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const obstacle = OBSTACLES[code];
    if (obstacle === undefined) throw error;
    const value = obstacle.setting === "port" ? port : host;
    throw new ConfigError(`${settings[obstacle.setting]} is ${value}, ${obstacle.says} (${code})`);
  }
}

const NO_ADDRESS = {
  setting: "host",
  says: "which is no address of this machine; use one that it has, 127.0.0.1 for itself alone or 0.0.0.0 for all",
} as const;

const OBSTACLES: Readonly<Record<string, { readonly setting: "host" | "port"; readonly says: string }>> = {
  EADDRINUSE: { setting: "port", says: "where something listens already; end that, or set another port" },
  EACCES: {
    setting: "port",
    says: "where this user may not listen; set one from 1024 up, or give the process the right",
  },
  EADDRNOTAVAIL: NO_ADDRESS,
  ENOTFOUND: NO_ADDRESS,
  EAI_AGAIN: NO_ADDRESS,
  EAFNOSUPPORT: NO_ADDRESS,
};
