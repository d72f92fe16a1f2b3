-- What a sector of pairwise applications calls a person (OpenID Connect Core §8.1): random and kept, so that no key could tell it.
CREATE TABLE pairwise_subjects (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  sector text COLLATE "C" NOT NULL, -- the host of the applications' redirect URIs
  identity_id text COLLATE "C" NOT NULL,
  subject text NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, sector, identity_id)
);
SELECT mayfly_protect('pairwise_subjects');

-- What a pairwise client calls the session, where it is not the session's own id (rule 20).
ALTER TABLE grants ADD COLUMN client_session_id text COLLATE "C";
