-- What is kept beside a function and is part of none of its revisions: versions, aliases, and what
-- holds for all of them, as one document in JSON. It goes with its function.

CREATE TABLE beside (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    function TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, environment, function)
) STRICT, WITHOUT ROWID;
