-- How a realm's pages and mails look: one theme at most.
CREATE TABLE themes (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  theme_id text COLLATE "C" NOT NULL,
  settings jsonb NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  CONSTRAINT themes_one_in_a_realm PRIMARY KEY (tenant_id, realm_id)
);
SELECT mayfly_protect('themes');

-- Passkeys, and other keys that people prove they hold. Made by binding only; revoked for good.
CREATE TABLE credentials (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  credential_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  state text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'REVOKED')),
  csr_type text NOT NULL CHECK (csr_type IN ('JWT', 'WEBAUTHN', 'FIDO2')),
  public_jwk jsonb NOT NULL,            -- what its signatures are verified with
  jwk_thumbprint text COLLATE "C" NOT NULL, -- RFC 7638
  authenticator_config_id text COLLATE "C", -- where it was bound; absent for an authenticator that a job brought itself
  display_name text NOT NULL DEFAULT '',
  last_used_at_ms bigint,
  -- What WebAuthn adds: all of it absent or empty for a key that a browser holds by itself.
  webauthn_id bytea,                    -- the authenticator's own credential id, up to 1,023 bytes
  rp_id text COLLATE "C",
  aaguid text COLLATE "C",
  sign_count bigint NOT NULL DEFAULT 0,
  backup_eligible boolean NOT NULL DEFAULT false,
  backup_state boolean NOT NULL DEFAULT false,
  transports text[] NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, credential_id),
  CHECK ((webauthn_id IS NULL) = (rp_id IS NULL))
);
-- Partial indexes, as all that share their first columns with the primary key (0009): they serve those statements only that name the
-- predicate. Rule 20: an authenticator's id is looked up in one realm, where it is unique, revoked ones and those of deleted people too.
CREATE UNIQUE INDEX credentials_webauthn_id ON credentials (tenant_id, realm_id, webauthn_id) WHERE webauthn_id IS NOT NULL;
CREATE INDEX credentials_identity ON credentials (tenant_id, realm_id, identity_id, credential_id) WHERE identity_id <> '';
CREATE INDEX credentials_thumbprint ON credentials (tenant_id, realm_id, jwk_thumbprint) WHERE deleted_at_ms IS NULL;
SELECT mayfly_protect('credentials');
SELECT mayfly_count('credentials', 'credential');

-- What belongs to a person is dead with the person, whoever deletes it.
CREATE FUNCTION mayfly_delete_with_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE credentials SET deleted_at_ms = NEW.deleted_at_ms, updated_at_ms = NEW.deleted_at_ms, version = version + 1
    WHERE tenant_id = NEW.tenant_id AND realm_id = NEW.realm_id AND identity_id = NEW.identity_id AND identity_id <> ''
      AND deleted_at_ms IS NULL;
  RETURN NULL;
END
$$;
CREATE TRIGGER delete_owned AFTER UPDATE OF deleted_at_ms ON identities
  FOR EACH ROW WHEN (OLD.deleted_at_ms IS NULL AND NEW.deleted_at_ms IS NOT NULL) EXECUTE FUNCTION mayfly_delete_with_identity();
