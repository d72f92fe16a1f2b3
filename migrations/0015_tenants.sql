-- What an operator says of a tenant: how much of a kind it may have, and how often it may ask. What is left out is the product's default.
ALTER TABLE tenants ADD COLUMN quotas jsonb NOT NULL DEFAULT '{}';

-- Refuses rows beyond a tenant's quota, once a statement. Its arguments: the noun in `row_counts`, the quota's name, its default.
--
-- Far from the quota nobody waits for anybody. Near it one transaction at a time adds rows of that noun to the tenant: it counts again
-- after the one before has ended, so that the quota is exact. There are never as many at once as the distance that is near.
CREATE FUNCTION mayfly_demand_quota() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  owner text;
  allowed bigint;
  present bigint;
  added bigint;
  is_alone boolean;
  near CONSTANT bigint := 1000;
BEGIN
  FOR owner, added IN SELECT tenant_id, count(*) FROM new_rows WHERE deleted_at_ms IS NULL GROUP BY 1 LOOP
    SELECT COALESCE((quotas ->> TG_ARGV[1])::bigint, TG_ARGV[2]::bigint) INTO allowed FROM tenants WHERE tenant_id = owner;
    is_alone := false;
    LOOP
      -- What a deleted realm still holds is dead.
      SELECT COALESCE(sum(c.live), 0) INTO present FROM row_counts c
        JOIN realms r ON r.tenant_id = c.tenant_id AND r.realm_id = c.realm_id
        WHERE c.tenant_id = owner AND c.noun = TG_ARGV[0] AND r.deleted_at_ms IS NULL;
      EXIT WHEN is_alone OR present <= allowed - near;
      PERFORM pg_advisory_xact_lock(hashtextextended(owner || '/' || TG_ARGV[1], 0));
      is_alone := true;
    END LOOP;
    IF present > allowed THEN
      RAISE EXCEPTION 'a quota of the tenant is reached' USING ERRCODE = 'check_violation', CONSTRAINT = 'tenant_quota',
        DETAIL = json_build_object('quota', TG_ARGV[1], 'limit', allowed, 'present', present - added)::text;
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;

-- After count_inserted: triggers run in the order of their names.
CREATE TRIGGER quota_inserted AFTER INSERT ON applications REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mayfly_demand_quota('application', 'max_applications', '100000');
CREATE TRIGGER quota_inserted AFTER INSERT ON identities REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mayfly_demand_quota('identity', 'max_identities', '10000000');

-- How many requests of this minute the nodes have leased for a caller of the management API (settled 13): they take a part of the
-- allowance at a time, and answer from it without asking again. One row for each application that ever called.
CREATE TABLE request_allowances (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  minute bigint NOT NULL,   -- minutes since 1970, in real time (rule 26)
  allowed integer NOT NULL, -- requests a minute
  taken integer NOT NULL,   -- of this minute, by all nodes
  granted integer NOT NULL, -- to the node that asked last
  PRIMARY KEY (tenant_id, realm_id, application_id)
) WITH (fillfactor = 50);
SELECT mayfly_protect('request_allowances');

-- Which pages may call, a node keeps for two seconds: it hears of changes at once.
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON authenticator_configs FOR EACH ROW EXECUTE FUNCTION mayfly_notify_change();
