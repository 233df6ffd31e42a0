-- Salts of subjects, schema 1.

CREATE TABLE salt (
    -- Its name, which stands in tokens. Random.
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    class TEXT NOT NULL,
    -- Whose it is, as a keyed hash.
    subject BLOB NOT NULL CHECK (length(subject) = 32),
    -- The epoch of the root key that it is sealed with.
    epoch INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (tenant, environment, class, subject)
) STRICT, WITHOUT ROWID;

-- Salts that were deleted on purpose. Nothing here says whose they were.
CREATE TABLE erased (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    class TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
