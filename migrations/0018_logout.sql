-- The applications that a session was used for: who is told when it ends (OpenID Connect Back-Channel Logout). A row is the delivery
-- itself: nothing is written when a session ends, and a restart forgets none.
CREATE TABLE session_applications (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  client_session_id text COLLATE "C" NOT NULL, -- what the client calls the session: its `sid`
  subject text NOT NULL,                       -- what the client calls the person: its `sub`
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at_ms bigint NOT NULL DEFAULT 0,
  told_at_ms bigint,                           -- when it was told, or given up
  told_outcome text COLLATE "C" CHECK (told_outcome IN ('accepted', 'refused', 'given_up')),
  PRIMARY KEY (tenant_id, realm_id, session_id, application_id)
);
CREATE INDEX session_applications_client ON session_applications (tenant_id, realm_id, application_id, client_session_id);
SELECT mayfly_protect('session_applications');

-- Whether every application was told of the session's end: the job looks at those alone that ended and are not.
ALTER TABLE sessions ADD COLUMN is_told boolean NOT NULL DEFAULT false;
CREATE INDEX sessions_untold ON sessions (tenant_id, realm_id, session_id) WHERE ended_at IS NOT NULL AND NOT is_told;
