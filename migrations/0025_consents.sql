-- What a person let an application have (OpenID Connect Core §3.1.2.4): one row for a person and an application, for as long as both are
-- there or until it is withdrawn. It bounds the tokens of every grant that was made by it.
CREATE TABLE consents (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  resource_server_id text COLLATE "C", -- whose scopes they are
  scopes text[] NOT NULL,
  claims text[] NOT NULL,              -- asked for by name
  max_seconds bigint NOT NULL,         -- the longest life of a token that the person agreed to
  renewal_seconds bigint NOT NULL,     -- for how long access may be renewed; 0: not at all
  given_at bigint NOT NULL,            -- when the person was asked last
  used_at bigint NOT NULL,             -- when a grant was made by it last
  PRIMARY KEY (tenant_id, realm_id, identity_id, application_id)
);
CREATE INDEX consents_application ON consents (tenant_id, realm_id, application_id);
SELECT mayfly_protect('consents');

-- What had no effect was called otherwise.
UPDATE applications SET protocol_config = jsonb_set(protocol_config, '{consent}', '"remembered"') WHERE protocol_config ->> 'consent' = 'once';
