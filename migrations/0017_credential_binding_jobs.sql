-- Invitations to bind a credential: a link that works once, given to whoever asked for it or mailed to the person.
CREATE TABLE credential_binding_jobs (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  credential_binding_job_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  batch_id text COLLATE "C",
  delivery_method text NOT NULL CHECK (delivery_method IN ('RETURN', 'EMAIL')),
  -- EXPIRED is what any of the first three is after its end.
  state text NOT NULL DEFAULT 'LINK_SENT'
    CHECK (state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'COMPLETE', 'FAILED_TO_SEND', 'REVOKED')),
  authenticator_config_id text COLLATE "C",
  authenticator_config jsonb,   -- one that is this job's alone
  post_binding_redirect_uri text,
  token_hash bytea NOT NULL,    -- SHA-256 of the link's token
  creator jsonb NOT NULL,       -- what whoever made it held then: it never gives more (rule 1)
  credential_id text COLLATE "C", -- what was bound
  expires_at bigint NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, credential_binding_job_id),
  CHECK ((authenticator_config_id IS NULL) <> (authenticator_config IS NULL)),
  CHECK ((credential_id IS NOT NULL) = (state = 'COMPLETE'))
);
CREATE INDEX credential_binding_jobs_identity ON credential_binding_jobs (tenant_id, realm_id, identity_id, credential_binding_job_id)
  WHERE identity_id <> '';
SELECT mayfly_protect('credential_binding_jobs');
SELECT mayfly_count('credential_binding_jobs', 'credential_binding_job');

CREATE OR REPLACE FUNCTION mayfly_delete_with_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE credentials SET deleted_at_ms = NEW.deleted_at_ms, updated_at_ms = NEW.deleted_at_ms, version = version + 1
    WHERE tenant_id = NEW.tenant_id AND realm_id = NEW.realm_id AND identity_id = NEW.identity_id AND identity_id <> ''
      AND deleted_at_ms IS NULL;
  UPDATE credential_binding_jobs SET deleted_at_ms = NEW.deleted_at_ms, updated_at_ms = NEW.deleted_at_ms, version = version + 1
    WHERE tenant_id = NEW.tenant_id AND realm_id = NEW.realm_id AND identity_id = NEW.identity_id AND identity_id <> ''
      AND deleted_at_ms IS NULL;
  RETURN NULL;
END
$$;

-- Mails to many: what each of their jobs is made after, and what became of each.
CREATE TABLE batch_credential_binding_jobs (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  batch_credential_binding_job_id text COLLATE "C" NOT NULL,
  job_template jsonb NOT NULL,
  creator jsonb NOT NULL,       -- as of a job
  source jsonb NOT NULL,        -- who asked, in which request, for the events of its jobs
  expires_at bigint NOT NULL,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, batch_credential_binding_job_id)
);
SELECT mayfly_protect('batch_credential_binding_jobs');

CREATE TABLE batch_credential_binding_results (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  batch_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'SUCCESS', 'FAILURE')),
  tries integer NOT NULL DEFAULT 0,
  due_at_ms bigint NOT NULL,    -- not tried before
  last_error text,
  credential_binding_job_id text COLLATE "C",
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, batch_id, identity_id)
);
CREATE INDEX batch_credential_binding_results_due ON batch_credential_binding_results (due_at_ms) WHERE state = 'PENDING';
CREATE INDEX batch_credential_binding_results_queue ON batch_credential_binding_results (tenant_id, realm_id) WHERE state = 'PENDING';
CREATE INDEX batch_credential_binding_results_identity ON batch_credential_binding_results (tenant_id, realm_id, identity_id)
  WHERE identity_id <> '';
SELECT mayfly_protect('batch_credential_binding_results');
