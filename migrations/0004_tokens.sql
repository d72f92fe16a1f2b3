-- Rows that die: partitioned by `bucket`, which says when (in real time) a row may be forgotten. It is computed once, at
-- insert, and never updated; the row's id carries it, so a look-up by id touches one partition. Purging drops partitions.
-- No foreign keys, and no unique index besides the primary key.

-- One authorization of a person for an application: the authorization code (generation 0) and the refresh family that
-- grows from it live in this one row; access tokens name it as their ancestor.
CREATE TABLE grants (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  id bytea NOT NULL,
  bucket integer NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  resource_server_id text COLLATE "C",
  subject text NOT NULL,
  session_id text COLLATE "C" NOT NULL DEFAULT '',
  transaction_id text COLLATE "C" NOT NULL,
  scope text NOT NULL,
  nonce text,
  redirect_uri text NOT NULL,
  redirect_uri_optional boolean NOT NULL,
  code_challenge text,
  code_challenge_method text,
  claims jsonb,
  auth_time bigint NOT NULL,
  amr text[] NOT NULL,
  acr text NOT NULL,
  custom_claims text,
  code_hash bytea NOT NULL,
  code_expires_at bigint NOT NULL,
  issued_at bigint NOT NULL,
  ends_at bigint NOT NULL,           -- no token of this grant may outlive it: its bucket was computed from this
  consent_max_seconds bigint,        -- the ceiling a person chose
  generation integer NOT NULL DEFAULT 0,
  siblings bytea[] NOT NULL DEFAULT '{}', -- hashes of the live refresh tokens of this generation
  parent_hash bytea,                 -- the refresh token whose use made this generation
  rotated_at bigint,                 -- when it was used first
  code_spent_at bigint,
  refresh_issued_at bigint,
  refresh_expires_at bigint,
  refresh_suffix text,
  revoked_at bigint,
  revoked_reason text,
  decision jsonb NOT NULL,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, realm_id, id, bucket)
) PARTITION BY RANGE (bucket);
CREATE INDEX grants_application ON grants (tenant_id, realm_id, application_id, id);
CREATE INDEX grants_identity ON grants (tenant_id, realm_id, identity_id, id);
SELECT mayfly_protect('grants');

-- Every access token, opaque or JWT.
CREATE TABLE tokens (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  id bytea NOT NULL,
  bucket integer NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  resource_server_id text COLLATE "C",
  identity_id text COLLATE "C",
  grant_id bytea,
  grant_bucket integer,
  ancestors bytea[] NOT NULL DEFAULT '{}', -- the tokens it was exchanged from, nearest first
  session_id text COLLATE "C" NOT NULL DEFAULT '',
  transaction_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C",                 -- the kid that signed it; absent for a referential token
  token_hash bytea NOT NULL,               -- SHA-256 of the whole string that the client holds
  token_suffix text NOT NULL,
  grant_type text NOT NULL,
  subject text NOT NULL,
  audience text[] NOT NULL,
  scope text NOT NULL,
  custom_claims text,                      -- verbatim JSON
  target_realm text COLLATE "C" NOT NULL,
  display_name text,
  issued_at bigint NOT NULL,
  not_before bigint NOT NULL,
  expires_at bigint NOT NULL,              -- lowered by shorten
  issued_expires_at bigint NOT NULL,       -- what was said to the client
  revoked_at bigint,
  uses_left integer,
  decision jsonb NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, id, bucket)
) PARTITION BY RANGE (bucket);
CREATE INDEX tokens_application ON tokens (tenant_id, realm_id, application_id, id);
SELECT mayfly_protect('tokens');

-- A person's way through the login pages, from authorize to the redirect back: ten minutes at most.
CREATE TABLE authorization_requests (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  id bytea NOT NULL,
  bucket integer NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  browser_hash bytea NOT NULL,     -- SHA-256 of the secret in the browser's cookie
  request jsonb NOT NULL,          -- the validated parameters of /authorize
  step text NOT NULL,
  email_key text COLLATE "C",
  identity_id text COLLATE "C",
  code_hash bytea,                 -- the one-time code that was mailed
  code_expires_at bigint,
  code_tries integer NOT NULL DEFAULT 0,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  completed_at bigint,
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, realm_id, id, bucket)
) PARTITION BY RANGE (bucket);
SELECT mayfly_protect('authorization_requests');

-- Refusals and login steps; a granted token's decision lives in its own row.
CREATE TABLE decisions (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  id bytea NOT NULL, -- the trace id
  bucket integer NOT NULL,
  recorded_at_ms bigint NOT NULL,
  application_id text COLLATE "C" NOT NULL DEFAULT '',
  kind text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  decision jsonb NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, id, bucket, kind)
) PARTITION BY RANGE (bucket);
SELECT mayfly_protect('decisions');
