-- What is in the audit trail stays as it was written. Only what a chain says to
-- be pruned may go.

CREATE TRIGGER events_wait AFTER INSERT ON events
BEGIN
  INSERT INTO unsealed_events (customer_id, event_id) VALUES (NEW.customer_id, NEW.id);
END;

-- INSERT OR REPLACE deletes without asking the triggers of DELETE.
CREATE TRIGGER events_replaced BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER events_updated BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER events_deleted BEFORE DELETE ON events
  WHEN OLD.id > COALESCE((SELECT pruned_through FROM audit_chains WHERE customer_id = OLD.customer_id), 0)
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER audit_seals_replaced BEFORE INSERT ON audit_seals
  WHEN EXISTS (SELECT 1 FROM audit_seals WHERE customer_id = NEW.customer_id AND number = NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER audit_seals_updated BEFORE UPDATE ON audit_seals
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER audit_seals_deleted BEFORE DELETE ON audit_seals
  WHEN OLD.number > COALESCE((SELECT pruned_number FROM audit_chains WHERE customer_id = OLD.customer_id), 0)
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER audit_chains_updated BEFORE UPDATE ON audit_chains
  WHEN NEW.number < OLD.number OR NEW.pruned_number < OLD.pruned_number OR NEW.pruned_through < OLD.pruned_through
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER audit_chains_deleted BEFORE DELETE ON audit_chains
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;
