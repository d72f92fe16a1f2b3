-- What happened: changes made through the management API, and what else must outlive the row that it is about. Written with the change,
-- never updated. Refusals and logins stay in `decisions`, granted tokens in `tokens`: the list of events reads all three.
-- Partitioned by `bucket` as all rows that die: kept 90 days of real time.
CREATE TABLE events (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,  -- '' for what concerns the tenant as a whole
  id bytea NOT NULL,                   -- begins with recorded_at_ms
  bucket integer NOT NULL,
  recorded_at_ms bigint NOT NULL,
  trace_id bytea NOT NULL,
  type text COLLATE "C" NOT NULL,
  action text COLLATE "C",
  outcome text COLLATE "C",
  actor_type text COLLATE "C" NOT NULL,
  actor_id text COLLATE "C" NOT NULL DEFAULT '',
  correlation_id text COLLATE "C" NOT NULL DEFAULT '',
  resource_type text COLLATE "C" NOT NULL DEFAULT '',
  resource_id text COLLATE "C" NOT NULL DEFAULT '',
  payload jsonb NOT NULL,              -- names of what changed, never a secret
  PRIMARY KEY (tenant_id, realm_id, id, bucket)
) PARTITION BY RANGE (bucket);
SELECT mayfly_protect('events');
