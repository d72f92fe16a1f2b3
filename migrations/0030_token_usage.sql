-- What tokens of an application were granted on a day, and how old they were when they were used on it: histograms, by bucket
-- (protocol/histogram.ts) a number of values and their sum, '{"120": [3, 372]}'. Nodes add what they have counted in groups, off every
-- request's path; a job forgets days. Both are of tenant time.
CREATE TABLE token_usage (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL, -- '' for all tokens, whatever their scopes
  day integer NOT NULL,            -- days since 1970
  granted jsonb NOT NULL,
  ages jsonb NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, application_id, scope, day)
) WITH (fillfactor = 70);
CREATE INDEX token_usage_by_day ON token_usage (day);
SELECT mayfly_protect('token_usage');
