-- One tenant's key-value stores, schema 1. The file's name is the tenant.
--
-- Names and keys are in clear, so that keys can be listed in their order. Everything else that
-- means something lies in a column `sealed`, and each row is bound to its place and its version:
-- cells to their leaf, leaves to their store, stores to the head.

-- How many changes there were, and what the stores are.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    counter INTEGER NOT NULL CHECK (counter > 0),
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE store (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    sealed BLOB NOT NULL,
    UNIQUE (environment, name)
) STRICT;

-- A run of keys, from `start` to the next leaf's.
CREATE TABLE leaf (
    store INTEGER NOT NULL,
    start BLOB NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    sealed BLOB NOT NULL,
    PRIMARY KEY (store, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE cell (
    store INTEGER NOT NULL,
    key BLOB NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    sealed BLOB NOT NULL,
    PRIMARY KEY (store, key)
) STRICT, WITHOUT ROWID;

-- Stores that were removed and whose cells are still there. They go little by little.
CREATE TABLE doomed (
    store INTEGER PRIMARY KEY
) STRICT;
