-- expand
-- A page of the audit trail between two days is found by the time, however many
-- events are newer.
CREATE INDEX events_by_time ON events (customer_id, at, id);
CREATE INDEX events_by_action_time ON events (customer_id, action, at, id);
