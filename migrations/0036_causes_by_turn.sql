-- What ended tokens is taken in this order and found by it, however much has ended. It is the only index: which of two a plan prefers that
-- was made while the table was empty, nobody knows.
ALTER TABLE revocation_causes DROP CONSTRAINT revocation_causes_pkey,
  ADD PRIMARY KEY (tenant_id, realm_id, pages, cause_id);
