-- The nouns an administrator configures. tenant_id leads every key, so that the schema shards by tenant.
-- deleted_at_ms is a tombstone: dead for every read at once, removed later in bounded batches.
-- version counts the changes of a row: ETags and the nodes' caches are judged by it.

CREATE TABLE tenants (
  tenant_id text COLLATE "C" PRIMARY KEY,
  display_name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('production', 'test')),
  clock_offset_seconds bigint NOT NULL DEFAULT 0 CHECK (clock_offset_seconds >= 0),
  token_policy jsonb NOT NULL DEFAULT '{}',
  settings jsonb NOT NULL DEFAULT '{}',
  refresh_key_sealed bytea NOT NULL, -- keys the checksum of refresh tokens, sealed under the master key
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  CHECK (kind = 'test' OR clock_offset_seconds = 0)
);
SELECT mayfly_protect('tenants');

CREATE TABLE realms (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  display_name text NOT NULL,
  classification text NOT NULL DEFAULT 'SECURE_CUSTOMER',
  is_admin boolean NOT NULL DEFAULT false,
  auto_provision boolean NOT NULL DEFAULT false,
  token_policy jsonb NOT NULL DEFAULT '{}',
  session_policy jsonb NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id),
  CHECK (NOT (is_admin AND auto_provision)) -- rule 35
);
SELECT mayfly_protect('realms');

CREATE TABLE resource_servers (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  resource_server_id text COLLATE "C" NOT NULL,
  display_name text NOT NULL,
  is_managed boolean NOT NULL DEFAULT false,
  identifier text COLLATE "C" NOT NULL,
  scopes text[] NOT NULL DEFAULT '{}',
  token_policy jsonb NOT NULL DEFAULT '{}',
  scope_policies jsonb NOT NULL DEFAULT '[]',
  introspectors text[] NOT NULL DEFAULT '{}', -- application ids, rule 9 (b)
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, resource_server_id)
);
CREATE UNIQUE INDEX resource_servers_identifier ON resource_servers (tenant_id, realm_id, identifier) WHERE deleted_at_ms IS NULL;
SELECT mayfly_protect('resource_servers');

CREATE TABLE authenticator_configs (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  authenticator_config_id text COLLATE "C" NOT NULL,
  display_name text,
  config jsonb NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, authenticator_config_id)
);
SELECT mayfly_protect('authenticator_configs');

CREATE TABLE applications (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  application_id text COLLATE "C" NOT NULL,
  display_name text NOT NULL,
  is_managed boolean NOT NULL DEFAULT false,
  classification text NOT NULL DEFAULT '',
  resource_server_id text COLLATE "C",
  authenticator_config_id text COLLATE "C",
  client_id text COLLATE "C" NOT NULL,
  client_secret_hash bytea,   -- SHA-256, confidential applications only
  client_secret_sealed bytea, -- the secret itself under the master key; absent where the tenant shows secrets once
  target_realm text COLLATE "C" NOT NULL, -- bi_r of its management tokens: '*' or one realm, rule 8
  protocol_config jsonb NOT NULL,
  may_be_exchanged_by text[] NOT NULL DEFAULT '{}', -- application ids, rule 16
  tokens_valid_after bigint NOT NULL DEFAULT 0, -- tokens issued before this second are dead
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, application_id)
);
CREATE UNIQUE INDEX applications_client_id ON applications (tenant_id, realm_id, client_id) WHERE deleted_at_ms IS NULL;
SELECT mayfly_protect('applications');

CREATE TABLE identities (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  display_name text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  username_key text COLLATE "C" NOT NULL, -- lower-cased NFC form, rule 2
  email_key text COLLATE "C",
  email_verified boolean NOT NULL DEFAULT false,
  traits jsonb NOT NULL,
  tokens_valid_after bigint NOT NULL DEFAULT 0,
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, identity_id)
);
CREATE UNIQUE INDEX identities_username ON identities (tenant_id, realm_id, username_key) WHERE deleted_at_ms IS NULL;
CREATE INDEX identities_email ON identities (tenant_id, realm_id, email_key) WHERE deleted_at_ms IS NULL;
SELECT mayfly_protect('identities');

-- A value once used as `sub` is never given to another identity of the realm (rule 2): this row outlives the identity.
CREATE TABLE subjects (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  subject_key text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, subject_key)
);
SELECT mayfly_protect('subjects');

CREATE TABLE groups (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  group_id text COLLATE "C" NOT NULL,
  display_name text NOT NULL,
  display_name_key text COLLATE "C" NOT NULL,
  description text NOT NULL DEFAULT '',
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, group_id)
);
CREATE UNIQUE INDEX groups_display_name ON groups (tenant_id, realm_id, display_name_key) WHERE deleted_at_ms IS NULL;
SELECT mayfly_protect('groups');

CREATE TABLE group_members (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  group_id text COLLATE "C" NOT NULL,
  identity_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, group_id, identity_id)
);
CREATE INDEX group_members_identity ON group_members (tenant_id, realm_id, identity_id);
SELECT mayfly_protect('group_members');

CREATE TABLE roles (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  role_id text COLLATE "C" NOT NULL,
  resource_server_id text COLLATE "C" NOT NULL,
  display_name text NOT NULL,
  display_name_key text COLLATE "C" NOT NULL,
  description text NOT NULL DEFAULT '',
  scopes text[] NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (tenant_id, realm_id, role_id)
);
CREATE UNIQUE INDEX roles_display_name ON roles (tenant_id, realm_id, resource_server_id, display_name_key) WHERE deleted_at_ms IS NULL;
SELECT mayfly_protect('roles');

CREATE TABLE role_members (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  role_id text COLLATE "C" NOT NULL,
  member_kind text COLLATE "C" NOT NULL CHECK (member_kind IN ('group', 'identity')),
  member_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, role_id, member_kind, member_id)
);
CREATE INDEX role_members_member ON role_members (tenant_id, realm_id, member_kind, member_id);
SELECT mayfly_protect('role_members');
