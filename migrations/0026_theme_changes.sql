-- Nodes keep the theme of a realm for two seconds, as they keep other configuration: they hear of its changes as of that.
CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OR DELETE ON themes FOR EACH ROW EXECUTE FUNCTION mayfly_notify_change();
