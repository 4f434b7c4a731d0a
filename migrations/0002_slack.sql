-- What is kept about Slack. Times are microseconds since 1970.

-- Written before it is acked, and worked until it is carried out; then the payload goes at once and the key in a day.
CREATE TABLE slack_deliveries (
    key TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    -- NULL until it is carried out.
    done_at INTEGER
) STRICT;
CREATE INDEX slack_deliveries_open ON slack_deliveries (received_at, key) WHERE done_at IS NULL;
CREATE INDEX slack_deliveries_done ON slack_deliveries (done_at) WHERE done_at IS NOT NULL;

-- A session's thread, and how far it was told the session's log.
CREATE TABLE slack_threads (
    session INTEGER PRIMARY KEY REFERENCES sessions (id),
    channel TEXT NOT NULL,
    thread TEXT,
    root TEXT,
    owner TEXT NOT NULL,
    cursor INTEGER NOT NULL
) STRICT;
CREATE INDEX slack_threads_place ON slack_threads (channel, thread, session);

-- Messages of ours. `ts` is NULL while one is about to be posted.
CREATE TABLE slack_posts (
    session INTEGER NOT NULL REFERENCES sessions (id),
    slot TEXT NOT NULL,
    channel TEXT NOT NULL,
    ts TEXT,
    hash BLOB,
    at INTEGER NOT NULL,
    PRIMARY KEY (session, slot)
) STRICT;
CREATE INDEX slack_posts_place ON slack_posts (channel, ts);

-- Small facts: which repository a person or a channel used last.
CREATE TABLE slack_facts (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
