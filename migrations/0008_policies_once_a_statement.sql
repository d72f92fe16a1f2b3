-- The policy of a tenant's rows reads the setting once a statement instead of once a row: as a subquery it is an initial plan of its own.
CREATE OR REPLACE FUNCTION mayfly_protect(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  named CONSTANT text := 'tenant_id = ANY ((SELECT string_to_array(current_setting(''mayfly.tenants'', true), '',''))::text[])';
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', table_name);
  EXECUTE format('CREATE POLICY tenant ON %s USING (%s) WITH CHECK (%s)', table_name, named, named);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO mayfly_app', table_name);
END
$$;

DO $$
DECLARE
  named CONSTANT text := 'tenant_id = ANY ((SELECT string_to_array(current_setting(''mayfly.tenants'', true), '',''))::text[])';
  protected regclass;
BEGIN
  FOR protected IN SELECT polrelid FROM pg_policy WHERE polname = 'tenant' LOOP
    EXECUTE format('ALTER POLICY tenant ON %s USING (%s) WITH CHECK (%s)', protected, named, named);
  END LOOP;
END
$$;
