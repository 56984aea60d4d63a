-- expand
-- A move of everything to another database, noted at both ends; see
-- docs/upgrades.md. other is the other end, without its password.

CREATE TABLE moves (
  id {key} PRIMARY KEY,
  place {key} NOT NULL CHECK (place IN ('source', 'target')),
  other {text} NOT NULL,
  started_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL
) {strict};
