/** Which tenants are production and which are for tests, as far as this node has met them: for metrics, which name no tenant. */
export interface TenantClasses {
  /** Notes what was just read about a tenant; its kind never changes. */
  remember(tenantId: string, kind: "production" | "test"): void;
  of(tenantId: string): "production" | "test" | "none";
}

const TENANTS_MAX = 20_000;

export function createTenantClasses(): TenantClasses {
  const known = new Map<string, "production" | "test">();
  return {
    remember: (tenantId, kind) => {
      const oldest = known.keys().next();
      if (known.size >= TENANTS_MAX && !oldest.done && !known.has(tenantId)) known.delete(oldest.value);
      known.set(tenantId, kind);
    },
    of: (tenantId) => known.get(tenantId) ?? "none",
  };
}
