import type { Services } from "./services.ts";

/** The time of a tenant, in seconds: real time and what its clock was moved by (settled 5). */
export function tenantNow(
  { deps }: Pick<Services, "deps">,
  { clockOffsetSeconds }: { readonly clockOffsetSeconds: number },
): number {
  return deps.clock.nowSeconds() + clockOffsetSeconds;
}
