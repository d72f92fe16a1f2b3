-- What a token descends from, and how often it may be used. Ancestors are named in the row itself (0004); its root finds a whole tree:
-- the grant, or the first token of a line of exchanges. A plain token has neither root nor entry in the index, so it costs nothing. ON ONLY:
-- partitions that are there already hold no root, and go when their rows are dead (docs/guides/upgrades.md).
ALTER TABLE tokens ADD COLUMN root_id bytea;
ALTER TABLE tokens ADD COLUMN actor text; -- the `act` claim (RFC 8693), verbatim JSON
CREATE INDEX tokens_root ON ONLY tokens (tenant_id, realm_id, root_id, id) WHERE root_id IS NOT NULL;
