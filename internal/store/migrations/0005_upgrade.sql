-- expand
-- Programs of two versions run side by side: see docs/upgrades.md.

-- The newest migration that the program of a node knows; empty for programs
-- that do not say so yet.
ALTER TABLE nodes ADD COLUMN knows {key} NOT NULL DEFAULT '';
