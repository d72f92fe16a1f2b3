/** What one check of `mayfly doctor` found. */
export interface Finding {
  readonly name: string;
  /** `skip`: it could not be looked at from here */
  readonly status: "ok" | "warn" | "fail" | "skip";
  readonly detail: string;
  /** what to do; for everything but `ok` */
  readonly advice?: string;
}

/** Nothing is wrong. */
export function ok(name: string, detail: string): Finding {
  return { name, status: "ok", detail };
}

/** Something works and should be otherwise. */
export function warn(name: string, detail: string, advice: string): Finding {
  return { name, status: "warn", detail, advice };
}

/** Something does not work. */
export function fail(name: string, detail: string, advice: string): Finding {
  return { name, status: "fail", detail, advice };
}

/** It could not be looked at. */
export function skip(name: string, detail: string, advice: string): Finding {
  return { name, status: "skip", detail, advice };
}
