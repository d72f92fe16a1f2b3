-- For how long the person of a grant lets access be renewed; null where nobody was asked, or a version before asked.
ALTER TABLE grants ADD COLUMN consent_renewal_seconds bigint;
