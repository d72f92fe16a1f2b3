-- Under an Idempotency-Key is kept what was made, and never the answer, which may have held a secret (rule 40): repeated, a create
-- reads what it made before. No release has written the columns that go, nor may an answer outlive them: all keys are forgotten.

DELETE FROM idempotency_keys;
ALTER TABLE idempotency_keys
  DROP COLUMN answer_sealed,
  DROP COLUMN scopes,
  DROP COLUMN target_realm,
  ADD COLUMN resource_id text COLLATE "C"; -- set before the transaction ends
COMMENT ON COLUMN idempotency_keys.key_hash IS 'SHA-256 of caller, operation and key';
