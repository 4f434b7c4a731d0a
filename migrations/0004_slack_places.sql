-- Where sessions were talked with before their thread moved: a first message that was deleted, a channel that refused
-- us. What is said there still reaches them.
CREATE TABLE slack_past_threads (
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    session INTEGER NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (channel, thread, session)
) STRICT, WITHOUT ROWID;
