-- The registry and its ledger, schema 1.
--
-- Every table carries tenant and environment. What belongs to the home as a whole (facts about
-- it, the ledger's tree, answers of the admin API) stands under system/system, names that no tenant can have.
-- Digests are 32 bytes, times are microseconds UTC, specs and manifests are canonical JSON.

CREATE TABLE meta (
    tenant TEXT NOT NULL DEFAULT 'system',
    environment TEXT NOT NULL DEFAULT 'system',
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, environment, key)
) STRICT, WITHOUT ROWID;

-- An application that was deployed at least once. `active` is null after a removal.
CREATE TABLE application (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    active INTEGER,
    last INTEGER NOT NULL CHECK (last > 0),
    PRIMARY KEY (tenant, environment, name),
    FOREIGN KEY (tenant, environment, name, active)
        REFERENCES deployment (tenant, environment, application, number)
        DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE TABLE deployment (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    application TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    created_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    manifest TEXT NOT NULL,
    PRIMARY KEY (tenant, environment, application, number)
) STRICT;

CREATE TABLE revision (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    function TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    artifact BLOB NOT NULL CHECK (length(artifact) = 32),
    deployment INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    spec TEXT NOT NULL,
    PRIMARY KEY (tenant, environment, function, number),
    UNIQUE (tenant, environment, function, digest)
) STRICT;

-- Which revisions a deployment is made of.
CREATE TABLE deployment_function (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    application TEXT NOT NULL,
    deployment INTEGER NOT NULL,
    function TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, environment, application, deployment, function),
    FOREIGN KEY (tenant, environment, application, deployment)
        REFERENCES deployment (tenant, environment, application, number),
    FOREIGN KEY (tenant, environment, function, revision)
        REFERENCES revision (tenant, environment, function, number)
) STRICT, WITHOUT ROWID;

-- Active functions. The key holds that a name has one owner.
CREATE TABLE function (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    application TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, environment, name),
    FOREIGN KEY (tenant, environment, application)
        REFERENCES application (tenant, environment, name),
    FOREIGN KEY (tenant, environment, name, revision)
        REFERENCES revision (tenant, environment, function, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX function_by_application ON function (tenant, environment, application);

-- Active routes. The key holds that a route has one answerer. `host` is empty for every host.
CREATE TABLE route (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    host TEXT NOT NULL,
    shape TEXT NOT NULL,
    method TEXT NOT NULL,
    function TEXT NOT NULL,
    PRIMARY KEY (tenant, environment, host, shape, method),
    FOREIGN KEY (tenant, environment, function)
        REFERENCES function (tenant, environment, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX route_by_function ON route (tenant, environment, function);

CREATE TABLE granted (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    what TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (tenant, environment, who, action, what)
) STRICT, WITHOUT ROWID;

CREATE INDEX granted_by_object ON granted (tenant, environment, action, what);

-- Tokens without their secrets: only the SHA-256 of the whole token is kept.
CREATE TABLE token (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    created_us INTEGER NOT NULL,
    expires_us INTEGER,
    PRIMARY KEY (tenant, environment, name)
) STRICT;

-- The ledger's entries, with the scope that each act was about.
CREATE TABLE ledger_leaf (
    tenant TEXT NOT NULL,
    environment TEXT NOT NULL,
    seq INTEGER PRIMARY KEY CHECK (seq >= 0),
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE ledger_tile (
    tenant TEXT NOT NULL DEFAULT 'system',
    environment TEXT NOT NULL DEFAULT 'system',
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    number INTEGER NOT NULL CHECK (number >= 0),
    hashes BLOB NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, number)
) STRICT;

CREATE TABLE ledger_checkpoint (
    tenant TEXT NOT NULL DEFAULT 'system',
    environment TEXT NOT NULL DEFAULT 'system',
    size INTEGER PRIMARY KEY CHECK (size > 0),
    note TEXT NOT NULL
) STRICT;

-- Answers of the admin API that are given again to the same Idempotency-Key, for a day.
CREATE TABLE idempotency (
    tenant TEXT NOT NULL DEFAULT 'system',
    environment TEXT NOT NULL DEFAULT 'system',
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, environment, key)
) STRICT;

CREATE INDEX idempotency_by_age ON idempotency (created_us);
