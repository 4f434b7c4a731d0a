-- Rented nodes, and who people are where they are rented. Times are microseconds since 1970.

-- Nodes with our mark that no lease names: let go of once they have been strays for long enough.
CREATE TABLE strays (
    provider TEXT NOT NULL,
    node TEXT NOT NULL,
    key TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    PRIMARY KEY (provider, node)
) STRICT, WITHOUT ROWID;

-- A person's account on the forge. The token lies in the file, never here.
CREATE TABLE links (
    person TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL,
    token_file TEXT NOT NULL,
    linked_at INTEGER NOT NULL
) STRICT;
