-- Many tokens ended at once: what was asked, how far the job has come, and its receipt. Position and counts move with each batch of rows, in
-- the batch's own transaction. What the filter names may be gone since: it is no reference.
CREATE TABLE token_revocations (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  token_revocation_id text COLLATE "C" NOT NULL,
  filter jsonb NOT NULL,
  issued_before bigint NOT NULL,          -- only what was issued before this second
  judged_at bigint NOT NULL,              -- what was dead at this second was dead already
  until bigint,                           -- the earlier end, where tokens are shortened; absent: they are revoked
  source jsonb NOT NULL,                  -- who asked, in which request
  application_valid_after bigint,         -- what this raised, as it was before
  identity_valid_after bigint,
  step text COLLATE "C" NOT NULL DEFAULT 'families',
  position jsonb NOT NULL DEFAULT '{}',   -- the application and the row within it that were looked at last
  counts jsonb NOT NULL DEFAULT '{}',
  accepted_offline_until bigint,          -- the largest exp that was said of a live self-contained token
  due_at_ms bigint NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  finished_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, token_revocation_id)
);
CREATE INDEX token_revocations_due ON token_revocations (due_at_ms) WHERE finished_at_ms IS NULL;
CREATE INDEX token_revocations_finished ON token_revocations (finished_at_ms) WHERE finished_at_ms IS NOT NULL;
SELECT mayfly_protect('token_revocations');
