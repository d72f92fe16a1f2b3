-- Token Status Lists (draft-ietf-oauth-status-list): a bit for each token whose application asks for it. Which bit, only the token says:
-- places are handed out in an order that a secret key decides, and never twice.
CREATE TABLE status_lists (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  list_number integer NOT NULL,
  order_key bytea NOT NULL,
  algorithm text COLLATE "C" NOT NULL,  -- that the list is signed with
  used integer NOT NULL DEFAULT 0,      -- so many of its places were handed out, to tokens or to nodes that keep some
  expires_at bigint NOT NULL,           -- no token with a place in it lives longer
  PRIMARY KEY (tenant_id, realm_id, list_number)
);
SELECT mayfly_protect('status_lists');

ALTER TABLE tokens ADD COLUMN status_list integer, ADD COLUMN status_index integer;
ALTER TABLE revocations ADD COLUMN status_list integer, ADD COLUMN status_index integer;
CREATE INDEX revocations_status ON revocations (tenant_id, realm_id, status_list) WHERE status_list IS NOT NULL;
