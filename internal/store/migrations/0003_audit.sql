-- An audit trail that shows when it was touched: see docs/audit.md.

-- The process that wrote the event.
ALTER TABLE events ADD COLUMN node {key} NOT NULL DEFAULT '';

-- Events that stand in no seal yet. A trigger puts each new event here, so that
-- none is left out, in whatever order transactions end; the sealer takes them
-- out in the transaction of their seal.
CREATE TABLE unsealed_events (
  customer_id {key} NOT NULL,
  event_id BIGINT NOT NULL,
  PRIMARY KEY (customer_id, event_id)
) {strict};
INSERT INTO unsealed_events (customer_id, event_id) SELECT customer_id, id FROM events;

-- A seal closes a batch of one customer's events. entries holds, for each event
-- in order, its id (8 bytes) and the hash of its row (32 bytes); hash covers
-- them and the hash of the seal before.
CREATE TABLE audit_seals (
  customer_id {key} NOT NULL REFERENCES customers (id),
  number BIGINT NOT NULL,
  first_event BIGINT NOT NULL,
  last_event BIGINT NOT NULL,
  entries {bytes} NOT NULL,
  previous {bytes} NOT NULL,
  hash {bytes} NOT NULL,
  sealed_at BIGINT NOT NULL,
  PRIMARY KEY (customer_id, number)
) {strict};
CREATE INDEX audit_seals_by_first ON audit_seals (customer_id, first_event);
CREATE INDEX audit_seals_by_last ON audit_seals (customer_id, last_event);

-- Both ends of each customer's chain of seals: the newest seal, and what was
-- pruned. mark is keyed with the key ring, so that who writes the database
-- alone cannot make another chain.
CREATE TABLE audit_chains (
  customer_id {key} PRIMARY KEY REFERENCES customers (id),
  number BIGINT NOT NULL,
  hash {bytes} NOT NULL,
  pruned_number BIGINT NOT NULL DEFAULT 0,
  pruned_through BIGINT NOT NULL DEFAULT 0,
  pruned_hash {bytes},
  key_id {key} NOT NULL,
  mark {bytes} NOT NULL
) {strict};
CREATE INDEX audit_chains_by_key ON audit_chains (key_id, customer_id);
