-- The queue, schema 3: events that were published, so that none is taken twice.

CREATE TABLE seen (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    -- A keyed digest of who published which event to which application.
    mark BLOB NOT NULL CHECK (length(mark) = 16),
    -- Grows with every event of the environment: the oldest go first.
    seq INTEGER NOT NULL,
    -- Until when it is remembered.
    until_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, environment, mark)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX seen_seq ON seen (tenant, environment, seq);
CREATE INDEX seen_until ON seen (until_us);
