-- Mails on their way. Whom a mail is for and what it says is sealed, and erased as soon as nothing is left to be sent.
CREATE TABLE outgoing_mails (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  outgoing_mail_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C",             -- whom it is for, if that is somebody already
  about_id text COLLATE "C" NOT NULL,       -- by kind: an authorization request, a credential binding job, a credential
  state text COLLATE "C" NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'SENT', 'FAILED', 'GIVEN_UP')),
  content_sealed bytea,
  source jsonb NOT NULL,                    -- who asked, in which request, for its events
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at_ms bigint NOT NULL,       -- while it is tried: when another may try it, should this one have died
  expires_at bigint NOT NULL,               -- in tenant time: not sent after it
  last_error text COLLATE "C",              -- a class, never the server's words: those name the address
  created_at_ms bigint NOT NULL,
  settled_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, outgoing_mail_id),
  CHECK ((content_sealed IS NOT NULL) = (state = 'QUEUED')),
  CHECK ((settled_at_ms IS NULL) = (state = 'QUEUED'))
);
CREATE INDEX outgoing_mails_due ON outgoing_mails (next_attempt_at_ms) WHERE state = 'QUEUED';
CREATE INDEX outgoing_mails_settled ON outgoing_mails (settled_at_ms) WHERE settled_at_ms IS NOT NULL;
CREATE INDEX outgoing_mails_identity ON outgoing_mails (tenant_id, realm_id, identity_id) WHERE identity_id <> '';
SELECT mayfly_protect('outgoing_mails');
