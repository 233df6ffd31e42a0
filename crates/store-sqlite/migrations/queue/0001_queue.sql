-- The queue, schema 1.
--
-- Every table carries tenant and environment. Times are microseconds UTC.

-- One row for each function that ever had a message, with what it has now. The counts are kept
-- with every change, so that a quota costs no counting.
CREATE TABLE line (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    function TEXT NOT NULL,
    waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    dead INTEGER NOT NULL DEFAULT 0 CHECK (dead >= 0),
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    UNIQUE (tenant, environment, function)
) STRICT;

CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    line INTEGER NOT NULL REFERENCES line (id),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- 0 waiting, 1 leased, 2 dead
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    -- From when it may be leased; for a leased message the end of the lease.
    due_us INTEGER NOT NULL,
    queued_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Grows with every lease.
    fence INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    -- Of the plain payload.
    bytes INTEGER NOT NULL,
    -- The key that the payload is sealed with.
    epoch INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;

-- `queued_us` is in it so that the oldest message is found without reading payloads.
CREATE INDEX message_due ON message (line, due_us, queued_us) WHERE state < 2;
-- Small: what a crash left in the hands of workers that are gone.
CREATE INDEX message_leased ON message (state) WHERE state = 1;
CREATE INDEX message_dead ON message (line) WHERE state = 2;
