-- How many rows of each noun are no tombstones, for the totals of lists (decision 0016): counting ten thousand rows takes longer than
-- all else that a list does. Triggers keep the counts, whoever changes the rows, so that they are exact with every commit.
--
-- A count is the sum of its slots. A writer takes any slot that nobody else holds, and makes one of its own where all are held: so no
-- writer waits for another, and there are as many slots as there were ever writers at once.
CREATE TABLE row_counts (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL, -- '' for realms, which belong to their tenant
  noun text COLLATE "C" NOT NULL,
  slot bigint NOT NULL,               -- the transaction that made it
  live integer NOT NULL,              -- below 0 where a row that another slot has counted went
  PRIMARY KEY (tenant_id, realm_id, noun, slot)
) WITH (fillfactor = 50);
SELECT mayfly_protect('row_counts');

-- Adds to a count, in a slot that nobody else holds.
CREATE FUNCTION mayfly_add_rows(of_tenant text, of_realm text, of_noun text, added bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE row_counts SET live = live + added
    WHERE tenant_id = of_tenant AND realm_id = of_realm AND noun = of_noun AND slot =
      (SELECT slot FROM row_counts WHERE tenant_id = of_tenant AND realm_id = of_realm AND noun = of_noun
       ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED);
  IF NOT FOUND THEN
    INSERT INTO row_counts VALUES (of_tenant, of_realm, of_noun, pg_current_xact_id()::text::bigint, added);
  END IF;
END
$$;

-- Once a statement, however many rows it changes. Its arguments: the noun, and whose its rows are, 'realm' or 'tenant'.
CREATE FUNCTION mayfly_count_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM mayfly_add_rows(x.tenant_id, x.owner, TG_ARGV[0], x.live) FROM (
      SELECT tenant_id, CASE TG_ARGV[1] WHEN 'realm' THEN realm_id ELSE '' END AS owner, count(*) AS live
      FROM new_rows WHERE deleted_at_ms IS NULL GROUP BY 1, 2) x;
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM mayfly_add_rows(x.tenant_id, x.owner, TG_ARGV[0], -x.live) FROM (
      SELECT tenant_id, CASE TG_ARGV[1] WHEN 'realm' THEN realm_id ELSE '' END AS owner, count(*) AS live
      FROM old_rows WHERE deleted_at_ms IS NULL GROUP BY 1, 2) x;
  ELSE
    PERFORM mayfly_add_rows(x.tenant_id, x.owner, TG_ARGV[0], x.live) FROM (
      SELECT tenant_id, CASE TG_ARGV[1] WHEN 'realm' THEN realm_id ELSE '' END AS owner, sum(one) AS live
      FROM (SELECT tenant_id, realm_id, 1 AS one FROM new_rows WHERE deleted_at_ms IS NULL
            UNION ALL SELECT tenant_id, realm_id, -1 FROM old_rows WHERE deleted_at_ms IS NULL) both_rows
      GROUP BY 1, 2 HAVING sum(one) <> 0) x;
  END IF;
  RETURN NULL;
END
$$;

-- Counts the rows of a table from now on; what is there already is counted at once, while nobody can write to it.
CREATE FUNCTION mayfly_count(table_name regclass, noun text, owner text DEFAULT 'realm') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER count_inserted AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION mayfly_count_rows(%L, %L)', table_name, noun, owner);
  EXECUTE format('CREATE TRIGGER count_updated AFTER UPDATE ON %s REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION mayfly_count_rows(%L, %L)', table_name, noun, owner);
  EXECUTE format('CREATE TRIGGER count_deleted AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION mayfly_count_rows(%L, %L)', table_name, noun, owner);
  EXECUTE format('INSERT INTO row_counts SELECT tenant_id, CASE WHEN %L = ''tenant'' THEN '''' ELSE realm_id END, %L, 0, count(*) FROM %s WHERE deleted_at_ms IS NULL GROUP BY 1, 2', owner, noun, table_name);
END
$$;

SELECT mayfly_count('realms', 'realm', 'tenant');
SELECT mayfly_count('resource_servers', 'resource_server');
SELECT mayfly_count('authenticator_configs', 'authenticator_config');
SELECT mayfly_count('applications', 'application');
SELECT mayfly_count('identities', 'identity');
SELECT mayfly_count('groups', 'group');
SELECT mayfly_count('roles', 'role');
