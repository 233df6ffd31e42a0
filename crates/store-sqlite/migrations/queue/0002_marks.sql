-- The queue, schema 2: how far schedules were followed, beside the messages that they put.

CREATE TABLE mark (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    -- What its times depend on, as a number.
    rhythm INTEGER NOT NULL,
    -- Times up to this one were seen to.
    until_us INTEGER NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    -- The last time that a message was put for, and its id.
    last_us INTEGER,
    last_id BLOB CHECK (last_id IS NULL OR length(last_id) = 16),
    PRIMARY KEY (tenant, environment, name),
    CHECK ((last_us IS NULL) = (last_id IS NULL))
) STRICT, WITHOUT ROWID;
