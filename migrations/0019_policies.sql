-- The policies of a realm (reference, section 4): each change is a version of its own, and the latest is the one that holds.
CREATE TABLE policies (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  policy_id text COLLATE "C" NOT NULL, -- the version with its zeros: in the order of the versions
  rules jsonb NOT NULL,
  default_action text NOT NULL,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, policy_id)
);
SELECT mayfly_protect('policies');

-- What an administration console of a realm shows of itself. No row: the defaults.
CREATE TABLE console_configs (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  config jsonb NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, realm_id)
);
SELECT mayfly_protect('console_configs');
