-- The form in which the names of a tenant's realms are compared, as those of groups and roles are: no two have one name (reference 6 #60).
-- NULL where an older version of the server stored the row, or where it has another realm's name from before: that one keeps it until
-- it is changed.
ALTER TABLE realms ADD COLUMN display_name_key text COLLATE "C";
CREATE UNIQUE INDEX realms_display_name ON realms (tenant_id, display_name_key) WHERE deleted_at_ms IS NULL;
UPDATE realms r SET display_name_key = lower(normalize(display_name, NFC))
  WHERE deleted_at_ms IS NULL AND NOT EXISTS (
    SELECT FROM realms o WHERE o.tenant_id = r.tenant_id AND o.realm_id < r.realm_id AND o.deleted_at_ms IS NULL
      AND lower(normalize(o.display_name, NFC)) = lower(normalize(r.display_name, NFC)));
