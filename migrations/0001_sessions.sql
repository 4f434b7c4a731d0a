-- Rows for the present, a log for history; both are written in one transaction.
-- Times are microseconds since 1970. Bodies are the domain's own JSON.

-- Facts about this installation. `instance`: its random mark; a restored backup has none and gets a new one.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    -- 1 until it is settled and its node is gone: these rows are loaded at start.
    is_open INTEGER NOT NULL,
    version INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    head INTEGER NOT NULL,
    open_asks INTEGER NOT NULL,
    -- Of its newest lease; 0 = none yet.
    incarnation INTEGER NOT NULL,
    -- One counter for all sessions, rising with every write: "what is new since".
    changed INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_open ON sessions (id) WHERE is_open = 1;
CREATE INDEX sessions_status ON sessions (status, id);
CREATE INDEX sessions_owner ON sessions (owner, id);
CREATE INDEX sessions_changed ON sessions (changed);

CREATE TABLE labels (
    label TEXT NOT NULL,
    session INTEGER NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (label, session)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    session INTEGER NOT NULL REFERENCES sessions (id),
    incarnation INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    state TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (session, incarnation)
) STRICT;

-- id = session << 32 | seq: one clustered tree, the cheapest of eight shapes measured.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT,
    raw BLOB,
    -- 1: the body, 2: the raw line is too long for this table and lies in `blobs`.
    spilled INTEGER NOT NULL
) STRICT;

CREATE TABLE blobs (
    event INTEGER NOT NULL REFERENCES events (id),
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (event, part)
) STRICT;

-- id = session << 32 | c. A projection of the log, for those who send what is not consumed.
CREATE TABLE commands (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    body TEXT NOT NULL,
    consumed_seq INTEGER
) STRICT;

CREATE TABLE transcripts (
    session INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    n INTEGER NOT NULL,
    path TEXT NOT NULL,
    line BLOB NOT NULL,
    PRIMARY KEY (session, attempt, n)
) STRICT;

-- When an owner was admitted last, also after all of their sessions are settled.
CREATE TABLE owners (
    owner TEXT NOT NULL PRIMARY KEY,
    served_at INTEGER NOT NULL
) STRICT;

-- What was answered under a key: a repeat gets the first answer. Either `session` or `refusal` is set.
CREATE TABLE outcomes (
    key TEXT NOT NULL PRIMARY KEY,
    request BLOB NOT NULL,
    session INTEGER,
    refusal TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX outcomes_at ON outcomes (at);
