-- A secret that was rotated stays good for as long as its administrator said, in seconds of tenant time.
ALTER TABLE applications ADD COLUMN previous_secret_hash bytea; -- SHA-256
ALTER TABLE applications ADD COLUMN previous_secret_valid_until bigint;
