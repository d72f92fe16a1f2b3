-- Exact counts that bound guessing (rule 35): per address or source network and hour, in real time.
CREATE TABLE attempt_counts (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  counted_key bytea NOT NULL, -- SHA-256 of the address or network: the table holds no personal data
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('code_sent', 'wrong_try')),
  hour integer NOT NULL,      -- hours since 1970, real time
  attempts integer NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, counted_key, kind, hour)
);
SELECT mayfly_protect('attempt_counts');

-- Mails of test tenants are kept and readable, and never sent (rule 41).
CREATE TABLE mails (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  mail_id text COLLATE "C" NOT NULL,
  recipient text NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, mail_id)
);
SELECT mayfly_protect('mails');
