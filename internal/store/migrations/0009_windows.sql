-- expand
-- A budget knows how many hits the window before this one had, and when the
-- latest one was: see docs/guessing.md. Older programs count on without.
ALTER TABLE throttles ADD COLUMN earlier BIGINT NOT NULL DEFAULT 0;
ALTER TABLE throttles ADD COLUMN latest BIGINT NOT NULL DEFAULT 0;
