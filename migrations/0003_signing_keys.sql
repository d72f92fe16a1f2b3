-- Signing keys belong to a realm. The first of an algorithm is generation 1, made by whoever asks first; the primary key
-- lets one of two racing nodes win (rule 39). Private keys are sealed under the master key with tenant, realm and kid.
CREATE TABLE signing_keys (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  algorithm text COLLATE "C" NOT NULL CHECK (algorithm IN ('RS256', 'ES256', 'PS256', 'EdDSA')),
  generation integer NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  public_jwk jsonb NOT NULL,
  private_key_sealed bytea NOT NULL,
  signs_from_at bigint NOT NULL,             -- published before, signs from here on
  latest_expiry_at bigint NOT NULL DEFAULT 0, -- the latest `exp` it signed, rounded up to the hour
  compromised_at bigint,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, algorithm, generation)
);
CREATE UNIQUE INDEX signing_keys_key_id ON signing_keys (tenant_id, realm_id, key_id);
SELECT mayfly_protect('signing_keys');
