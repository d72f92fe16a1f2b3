-- A person logged in to a realm in one browser. The cookie holds a secret of which only the hash is here; session_id is what tokens say.
-- A session is told over by ended_at, and grants that hang on it read that: nothing lists them (settled 3). The row is kept until the
-- last of them may be forgotten, so that none ever outlives the end of its session.
CREATE TABLE sessions (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  secret_hash bytea NOT NULL,    -- SHA-256, another one after every authentication
  auth_time bigint NOT NULL,     -- of the latest authentication: from it the absolute lifetime counts
  amr text[] NOT NULL,
  acr text NOT NULL,
  seen_at bigint NOT NULL,       -- its latest use: from it the idle lifetime counts
  ended_at bigint,
  ended_reason text COLLATE "C" CHECK (ended_reason IN ('logout', 'replaced', 'identity')),
  kept_until_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, session_id)
);
CREATE INDEX sessions_identity ON sessions (tenant_id, realm_id, identity_id) WHERE ended_at IS NULL;
SELECT mayfly_protect('sessions');

-- Whoever suspends or deletes an identity ends its sessions (rule 13), whichever statement does it: activated again, it logs in again.
CREATE FUNCTION mayfly_end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sessions SET ended_reason = 'identity',
      ended_at = NEW.updated_at_ms / 1000 + (SELECT clock_offset_seconds FROM tenants t WHERE t.tenant_id = NEW.tenant_id)
    WHERE tenant_id = NEW.tenant_id AND realm_id = NEW.realm_id AND identity_id = NEW.identity_id AND ended_at IS NULL;
  RETURN NULL;
END
$$;
CREATE TRIGGER end_sessions AFTER UPDATE OF status, deleted_at_ms ON identities FOR EACH ROW
  WHEN (NEW.status <> 'active' OR NEW.deleted_at_ms IS NOT NULL) EXECUTE FUNCTION mayfly_end_sessions();
