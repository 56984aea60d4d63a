-- expand
-- No end of a chain goes back, whichever way it is written.

-- INSERT OR REPLACE deletes without asking the triggers of DELETE.
CREATE TRIGGER audit_chains_replaced BEFORE INSERT ON audit_chains
  WHEN EXISTS (SELECT 1 FROM audit_chains WHERE customer_id = NEW.customer_id AND number > NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;

CREATE TRIGGER audit_chains_given BEFORE UPDATE OF customer_id ON audit_chains WHEN NEW.customer_id <> OLD.customer_id
BEGIN
  SELECT RAISE(ABORT, 'the audit trail stays as it was written');
END;
