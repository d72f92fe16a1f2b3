-- What a create answered under an Idempotency-Key, for a day: repeated, it makes one resource and gets the same answer.

CREATE TABLE idempotency_keys (
  tenant_id text COLLATE "C" NOT NULL,
  key_hash bytea NOT NULL, -- SHA-256 of caller and key
  request_hash bytea NOT NULL, -- SHA-256 of method, path and body: another request under the same key is refused
  scopes text[] NOT NULL, -- what the caller held: the answer may show what less would not
  target_realm text COLLATE "C" NOT NULL,
  answer_sealed bytea, -- the answer under the master key: it may hold a secret; set before the transaction ends
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, key_hash)
);
SELECT mayfly_protect('idempotency_keys');
