-- How many rows of a tenant are alive, without looking at them: for quotas (rule 37), list sizes (settled 13) and the limit of
-- kept decisions (settled 6). Nodes add what they recorded in groups, off every request's path. Rows that end within one slot, a
-- hundredth of their lifetime, are counted together; a slot that is over counts nothing and is deleted.
CREATE TABLE live_counts (
  tenant_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('token', 'decision')),
  realm_id text COLLATE "C" NOT NULL,       -- '' where the tenant alone is counted
  application_id text COLLATE "C" NOT NULL,
  ends_at bigint NOT NULL,                  -- the slot's end, for tokens in tenant time
  live integer NOT NULL,                    -- below 0 for a moment, when one node's revocation overtakes another's issue
  PRIMARY KEY (tenant_id, kind, realm_id, application_id, ends_at)
) WITH (fillfactor = 70);
SELECT mayfly_protect('live_counts');

-- Tenants whose tokens somebody wants counted exactly: near a quota, a count may not go astray by what a killed node knew.
CREATE TABLE live_recounts (
  tenant_id text COLLATE "C" PRIMARY KEY,
  wanted_at_ms bigint NOT NULL,
  counted_at_ms bigint NOT NULL DEFAULT 0
);
SELECT mayfly_protect('live_recounts');
