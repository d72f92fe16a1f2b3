-- Nodes keep configuration for two seconds. These triggers tell them at once whose it was that changed, whoever changes it, when the
-- change is committed; a notification that is lost costs no more than the two seconds.
CREATE FUNCTION mayfly_notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The same payload several times in one transaction is delivered once.
  PERFORM pg_notify('mayfly_changes', CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END);
  RETURN NULL;
END
$$;

CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION mayfly_notify_change();
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON realms FOR EACH ROW EXECUTE FUNCTION mayfly_notify_change();
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON resource_servers FOR EACH ROW EXECUTE FUNCTION mayfly_notify_change();
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON applications FOR EACH ROW EXECUTE FUNCTION mayfly_notify_change();

-- Not for latest_expiry_at, which the statement that records tokens raises: nodes that commit notifications wait for each other.
CREATE TRIGGER notify_change
  AFTER INSERT OR DELETE OR UPDATE OF key_id, public_jwk, private_key_sealed, signs_from_at, compromised_at ON signing_keys
  FOR EACH ROW EXECUTE FUNCTION mayfly_notify_change();
