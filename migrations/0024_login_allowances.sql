-- How many logins of this minute the nodes have let begin, in a realm and there from a source network (rule 35): they take a part of the
-- allowance at a time, as of request_allowances. A network that begins few has no row; a job forgets minutes that are over.
CREATE TABLE login_allowances (
  tenant_id text COLLATE "C" NOT NULL,
  realm_id text COLLATE "C" NOT NULL,
  counted_key bytea NOT NULL, -- SHA-256 of whose it is: the table holds no personal data
  minute bigint NOT NULL,     -- minutes since 1970, in real time (rule 26)
  allowed integer NOT NULL,   -- logins a minute
  taken integer NOT NULL,     -- of this minute, by all nodes
  granted integer NOT NULL,   -- to the node that asked last
  PRIMARY KEY (tenant_id, realm_id, counted_key)
) WITH (fillfactor = 50);
SELECT mayfly_protect('login_allowances');
