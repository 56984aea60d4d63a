-- expand
-- The day that a person was last reminded of: if it is moved, the reminder is
-- worth nothing. 0: by a program that did not say so.
ALTER TABLE users ADD COLUMN reminded_of BIGINT NOT NULL DEFAULT 0;
