-- expand
-- No chain becomes another customer's.
CREATE TRIGGER audit_chains_given BEFORE UPDATE ON audit_chains FOR EACH ROW
  WHEN (NEW.customer_id <> OLD.customer_id)
  EXECUTE FUNCTION portal_stays();
