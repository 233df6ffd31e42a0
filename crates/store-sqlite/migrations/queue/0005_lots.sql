-- The queue, schema 5: messages that are given out together.

-- What a message is gathered with, as a keyed digest; none for those that go alone, also because
-- they failed before. How many go together, and how many bytes.
ALTER TABLE message ADD COLUMN lot BLOB CHECK (lot IS NULL OR length(lot) = 16);
ALTER TABLE message ADD COLUMN lot_most INTEGER;
ALTER TABLE message ADD COLUMN lot_bytes INTEGER;
-- From when it may be given out with others of its lot. `due_us`, or `held_us`, is from when it may
-- be given out by itself: later by as long as it waits for others.
ALTER TABLE message ADD COLUMN ripe_us INTEGER;
-- When the lease runs out of a message that was given out behind another one of its key. It is held
-- back also then, until that one came to its end.
ALTER TABLE message ADD COLUMN until_us INTEGER;

-- Those that wait of a lot; first those that wait for no other of their key, by their time.
CREATE INDEX message_lot ON message (line, lot, held_us, ripe_us) WHERE lot IS NOT NULL AND state = 0;
