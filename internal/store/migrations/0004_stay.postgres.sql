-- What is in the audit trail stays as it was written. Only what a chain says to
-- be pruned may go. Rights come on top where the service has a role of its own
-- (portal migrate --service-role).

CREATE FUNCTION portal_event_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO unsealed_events (customer_id, event_id) VALUES (NEW.customer_id, NEW.id);
  RETURN NULL;
END $$;

CREATE FUNCTION portal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail stays as it was written';
END $$;

CREATE FUNCTION portal_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.id > COALESCE((SELECT pruned_through FROM audit_chains WHERE customer_id = OLD.customer_id), 0) THEN
    RAISE EXCEPTION 'the audit trail stays as it was written';
  END IF;
  RETURN OLD;
END $$;

CREATE FUNCTION portal_seal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.number > COALESCE((SELECT pruned_number FROM audit_chains WHERE customer_id = OLD.customer_id), 0) THEN
    RAISE EXCEPTION 'the audit trail stays as it was written';
  END IF;
  RETURN OLD;
END $$;

CREATE TRIGGER events_wait AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION portal_event_waits();
CREATE TRIGGER events_updated BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION portal_stays();
CREATE TRIGGER events_deleted BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION portal_event_stays();
CREATE TRIGGER events_emptied BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION portal_stays();

CREATE TRIGGER audit_seals_updated BEFORE UPDATE ON audit_seals FOR EACH ROW EXECUTE FUNCTION portal_stays();
CREATE TRIGGER audit_seals_deleted BEFORE DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION portal_seal_stays();
CREATE TRIGGER audit_seals_emptied BEFORE TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION portal_stays();

CREATE TRIGGER audit_chains_updated BEFORE UPDATE ON audit_chains FOR EACH ROW
  WHEN (NEW.number < OLD.number OR NEW.pruned_number < OLD.pruned_number OR NEW.pruned_through < OLD.pruned_through)
  EXECUTE FUNCTION portal_stays();
CREATE TRIGGER audit_chains_deleted BEFORE DELETE ON audit_chains FOR EACH ROW EXECUTE FUNCTION portal_stays();
CREATE TRIGGER audit_chains_emptied BEFORE TRUNCATE ON audit_chains FOR EACH STATEMENT EXECUTE FUNCTION portal_stays();
