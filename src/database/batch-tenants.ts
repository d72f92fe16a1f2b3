/** Whose rows the items of a batch are, each tenant once: what its statement may see (`Database.tenants`). */
export function tenantsOf(batch: readonly { readonly tenantId: string }[]): string[] {
  return [...new Set(batch.map((item) => item.tenantId))];
}
