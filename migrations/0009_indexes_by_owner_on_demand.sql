-- Rows of tokens and grants are found by primary key, by whole batches. An index that shares its first two columns and has `id` further
-- behind costs the same in a plan that was made while the partition was empty, and then reads a realm's rows. As partial
-- indexes they serve those statements only that say the predicate, and no look-up by key can meet them.
DROP INDEX tokens_application;
CREATE INDEX tokens_application ON tokens (tenant_id, realm_id, application_id, id) WHERE application_id <> '';
DROP INDEX grants_application;
CREATE INDEX grants_application ON grants (tenant_id, realm_id, application_id, id) WHERE application_id <> '';
DROP INDEX grants_identity;
CREATE INDEX grants_identity ON grants (tenant_id, realm_id, identity_id, id) WHERE identity_id <> '';
