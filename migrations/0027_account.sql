-- What a passkey that is made on the account page answers: asked for once, and gone with the next login of the session.
ALTER TABLE sessions ADD COLUMN challenge text COLLATE "C";
-- What kind of browser the session is in, by names of ours, for a person to recognise it by; absent where it did not say.
ALTER TABLE sessions ADD COLUMN browser_name text, ADD COLUMN system_name text;
