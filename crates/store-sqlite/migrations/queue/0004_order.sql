-- The queue, schema 4: messages of one key of one function, given out one after the other.

-- A keyed digest of the key; none for messages that wait for no other.
ALTER TABLE message ADD COLUMN key BLOB CHECK (key IS NULL OR length(key) = 16);
-- When it is due by itself, while another one of its key is before it. `due_us` is the end of time
-- then, so that what is held back costs a lease nothing.
ALTER TABLE message ADD COLUMN held_us INTEGER;

CREATE INDEX message_key ON message (line, key) WHERE key IS NOT NULL AND state < 2;
