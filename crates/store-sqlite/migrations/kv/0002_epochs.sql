-- Rows have epochs of the root key of their own, so that a file can be moved to a new one little by
-- little: a head has the oldest, then stores, then leaves. What a cell is sealed with stands in it,
-- and is never older than its leaf.

ALTER TABLE store ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch > 0);
ALTER TABLE leaf ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch > 0);
UPDATE store SET epoch = (SELECT epoch FROM head);
UPDATE leaf SET epoch = (SELECT epoch FROM head);
