-- expand
-- The day that a person was last reminded of: if it is moved, the reminder is
-- worth nothing. 0: by a program that did not say so.
ALTER TABLE users ADD COLUMN reminded_of BIGINT NOT NULL DEFAULT 0;
-- How many 2FA setups a person has begun, ever. It is never set back, so that no
-- two entries in an app have the same label.
ALTER TABLE users ADD COLUMN setups BIGINT NOT NULL DEFAULT 0;
