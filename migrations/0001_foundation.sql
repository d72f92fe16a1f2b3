-- What every later migration builds on: the application's role, row-level security as one call, leases for jobs.
--
-- Units, everywhere in this schema: columns that end in `_at_ms` are milliseconds since 1970 in real time; other columns
-- that end in `_at` are seconds since 1970 in tenant time (real time plus the tenant's clock_offset_seconds).
-- No statement of the server asks the database for the time: every instant comes in as a parameter.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mayfly_app') THEN
    CREATE ROLE mayfly_app NOLOGIN NOINHERIT;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- another database's first start made it a moment ago: roles belong to the cluster
END
$$;
DO $$
BEGIN
  IF NOT pg_has_role(current_user, 'mayfly_app', 'MEMBER') THEN
    EXECUTE format('GRANT mayfly_app TO %I', current_user);
  END IF;
END
$$;

-- The second wall of tenant isolation: the server works as mayfly_app, which sees the rows of the tenants that the
-- transaction named, and no others, whatever a query forgets.
CREATE FUNCTION mayfly_protect(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', table_name);
  EXECUTE format(
    'CREATE POLICY tenant ON %s USING (tenant_id = ANY (string_to_array(current_setting(''mayfly.tenants'', true), '','')))'
    ' WITH CHECK (tenant_id = ANY (string_to_array(current_setting(''mayfly.tenants'', true), '','')))',
    table_name);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO mayfly_app', table_name);
END
$$;

-- One runner per job over all nodes. PGlite has one session, so session locks prove nothing there: a row with an end does.
CREATE TABLE leases (
  name text COLLATE "C" PRIMARY KEY,
  holder text NOT NULL,
  until_ms bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO mayfly_app;
