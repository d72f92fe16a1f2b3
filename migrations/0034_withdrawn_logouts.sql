-- When a person took back what the application had of theirs, while the session goes on: the application is told as of a session's end,
-- and what it hears is about itself alone. Gone with the next login to it.
ALTER TABLE session_applications ADD COLUMN withdrawn_at_ms bigint;
CREATE INDEX session_applications_withdrawn ON session_applications (tenant_id, realm_id, session_id, application_id)
  WHERE withdrawn_at_ms IS NOT NULL AND told_at_ms IS NULL;
