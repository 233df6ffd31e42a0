-- Secrets that functions use, sealed with a key of the root's. A secret that was removed keeps its
-- row without a value, so that no number of a version is given twice.

CREATE TABLE secret (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    set_us INTEGER NOT NULL,
    weak INTEGER NOT NULL CHECK (weak IN (0, 1)),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    sealed BLOB NOT NULL,
    PRIMARY KEY (tenant, environment, name)
) STRICT;
