-- The mails of test tenants are forgotten when they are a month old: a job looks for them by age, over all tenants.
CREATE INDEX mails_created ON mails (created_at_ms);
