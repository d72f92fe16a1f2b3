import { vacuumEmbedded } from "../database/vacuum.ts";
import type { Job } from "./job.ts";

/** Keeps the embedded database small and its transaction ids young; a server does that itself. */
export const vacuumJob: Job = {
  name: "vacuum",
  everySeconds: 600,
  run: async ({ database, log }) => {
    const tables = await vacuumEmbedded(database);
    if (tables.length > 0) log.info({ tables }, "tables vacuumed");
  },
};
