//! Every statement by name, in portable SQL; one test prepares them all.
//!
//! Knows tables and columns; must not know when a statement is run.

use std::sync::OnceLock;

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

pub(super) const ROW: &str = "SELECT s.state, s.version, l.body FROM sessions s \
    LEFT JOIN leases l ON l.session = s.id AND l.incarnation = s.incarnation WHERE s.id = $1";
pub(super) const OPEN_ROWS: &str = "SELECT s.state, s.version, l.body FROM sessions s \
    LEFT JOIN leases l ON l.session = s.id AND l.incarnation = s.incarnation WHERE s.is_open = 1 ORDER BY s.id";
pub(super) const COUNTERS: &str =
    "SELECT (SELECT max(id) FROM sessions) AS last, (SELECT max(changed) FROM sessions) AS changed";
pub(super) const OWNERS: &str = "SELECT owner, served_at FROM owners";

/// $1: only ids below it; $2: at most so many.
pub(super) const LIST: &str = "SELECT s.state, s.version, l.body FROM sessions s \
    LEFT JOIN leases l ON l.session = s.id AND l.incarnation = s.incarnation \
    WHERE s.id < $1 ORDER BY s.id DESC LIMIT $2";
/// $3: status.
pub(super) const LIST_STATUS: &str = "SELECT s.state, s.version, l.body FROM sessions s \
    LEFT JOIN leases l ON l.session = s.id AND l.incarnation = s.incarnation \
    WHERE s.id < $1 AND s.status = $3 ORDER BY s.id DESC LIMIT $2";
/// $3: status or NULL, $4: owner.
pub(super) const LIST_OWNER: &str = "SELECT s.state, s.version, l.body FROM sessions s \
    LEFT JOIN leases l ON l.session = s.id AND l.incarnation = s.incarnation \
    WHERE s.id < $1 AND s.owner = $4 AND ($3 IS NULL OR s.status = $3) ORDER BY s.id DESC LIMIT $2";
/// $3: status or NULL, $4: owner or NULL, $5: label.
pub(super) const LIST_LABEL: &str = "SELECT s.state, s.version, l.body FROM labels t \
    JOIN sessions s ON s.id = t.session \
    LEFT JOIN leases l ON l.session = s.id AND l.incarnation = s.incarnation \
    WHERE t.label = $5 AND t.session < $1 AND ($3 IS NULL OR s.status = $3) AND ($4 IS NULL OR s.owner = $4) \
    ORDER BY t.session DESC LIMIT $2";

pub(super) const EVENTS_AFTER: &str = "SELECT id, at, attempt, kind, body, raw, spilled FROM events \
    WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3";
pub(super) const BLOB: &str = "SELECT bytes FROM blobs WHERE event = $1 AND part = $2";
pub(super) const COMMANDS: &str =
    "SELECT id, uuid, body FROM commands WHERE id >= $1 AND id <= $2 ORDER BY id";
pub(super) const CONSUMED: &str =
    "UPDATE commands SET consumed_seq = $2 WHERE id = $1 AND consumed_seq IS NULL";

pub(super) const OUTCOME: &str = "SELECT request, session, refusal FROM outcomes WHERE key = $1";
pub(super) const PRUNE_OUTCOMES: &str = "DELETE FROM outcomes WHERE at < $1";

pub(super) const LEASED: &str = "SELECT body FROM leases WHERE key = $1 AND state <> 'gone'";
pub(super) const SEE_STRAY: &str =
    "INSERT INTO strays (provider, node, key, first_seen) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
pub(super) const FORGET_STRAY: &str = "DELETE FROM strays WHERE provider = $1 AND node = $2";
pub(super) const STRAYS: &str =
    "SELECT provider, node, key, first_seen FROM strays ORDER BY first_seen, node";
pub(super) const LINK: &str = "INSERT INTO links (person, login, token_file, linked_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (person) DO UPDATE SET login = excluded.login, token_file = excluded.token_file, \
    linked_at = excluded.linked_at";
pub(super) const UNLINK: &str = "DELETE FROM links WHERE person = $1";
pub(super) const LINKED: &str = "SELECT person, login, token_file, linked_at FROM links WHERE person = $1";
pub(super) const LINKS: &str = "SELECT person, login, token_file, linked_at FROM links ORDER BY person";

pub(super) const INSTANCE: &str = "SELECT value FROM meta WHERE name = 'instance'";
pub(super) const MARK_INSTANCE: &str = "INSERT INTO meta (name, value) VALUES ('instance', $1)";
pub(super) const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
pub(super) const CHECKPOINT_BESIDE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
pub(super) const SCHEMA: &str =
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
pub(super) const NEWEST_MIGRATION: &str = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations";
pub(super) const BACK_UP: &str = "VACUUM INTO $1";
pub(super) const FORGET_INSTANCE: &str = "DELETE FROM meta WHERE name = 'instance'";

/// How many rows one INSERT may carry: few sizes keep the cache of prepared statements small, and a statement
/// for each row would cost three times as much.
const SIZES: [usize; 4] = [128, 16, 4, 1];

/// A table that is written many rows at a time.
pub(super) struct Table {
    name: &'static str,
    pub(super) columns: &'static [&'static str],
    /// What follows the values: what to do about a row that is there.
    tail: &'static str,
    statements: OnceLock<[String; SIZES.len()]>,
}

pub(super) static SESSIONS: Table = Table::new(
    "sessions",
    &[
        "id",
        "owner",
        "status",
        "is_open",
        "version",
        "rev",
        "head",
        "open_asks",
        "incarnation",
        "changed",
        "created_at",
        "updated_at",
        "state",
    ],
    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, is_open = excluded.is_open, \
     version = excluded.version, rev = excluded.rev, head = excluded.head, open_asks = excluded.open_asks, \
     incarnation = excluded.incarnation, changed = excluded.changed, updated_at = excluded.updated_at, \
     state = excluded.state",
);
pub(super) static LEASES: Table = Table::new(
    "leases",
    &["session", "incarnation", "key", "provider", "state", "updated_at", "body"],
    " ON CONFLICT (session, incarnation) DO UPDATE SET state = excluded.state, \
     updated_at = excluded.updated_at, body = excluded.body",
);
pub(super) static EVENTS: Table =
    Table::new("events", &["id", "at", "attempt", "kind", "body", "raw", "spilled"], "");
pub(super) static BLOBS: Table = Table::new("blobs", &["event", "part", "bytes"], "");
pub(super) static NEW_COMMANDS: Table = Table::new("commands", &["id", "uuid", "body"], "");
pub(super) static TRANSCRIPTS: Table =
    Table::new("transcripts", &["session", "attempt", "n", "path", "line"], " ON CONFLICT DO NOTHING");
pub(super) static LABELS: Table = Table::new("labels", &["label", "session"], " ON CONFLICT DO NOTHING");
pub(super) static SERVED: Table = Table::new(
    "owners",
    &["owner", "served_at"],
    " ON CONFLICT (owner) DO UPDATE SET served_at = excluded.served_at",
);
pub(super) static OUTCOMES: Table =
    Table::new("outcomes", &["key", "request", "session", "refusal", "at"], "");

impl Table {
    const fn new(name: &'static str, columns: &'static [&'static str], tail: &'static str) -> Self {
        Self { name, columns, tail, statements: OnceLock::new() }
    }

    /// The largest INSERT for at most `rows` rows, and how many it takes. `None` for no rows.
    pub(super) fn insert(&'static self, rows: usize) -> Option<(usize, &'static str)> {
        let statements = self.statements.get_or_init(|| SIZES.map(|size| self.statement(size)));
        SIZES.into_iter().zip(statements).find(|(size, _)| *size <= rows).map(|(n, sql)| (n, sql.as_str()))
    }

    /// Marked `?` and not `$n`: SQLite looks a named mark up by walking along all of them, and with some hundred
    /// in a statement that cost more than all the rest. A database that wants numbers gets them here.
    fn statement(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
        let values = vec![row.as_str(); rows].join(", ");
        format!("INSERT INTO {} ({}) VALUES {values}{}", self.name, self.columns.join(", "), self.tail)
    }
}

/// Everything above, for the test that prepares it.
#[cfg(test)]
pub(super) fn all() -> Vec<&'static str> {
    let named = [
        BEGIN,
        COMMIT,
        ROLLBACK,
        ROW,
        OPEN_ROWS,
        COUNTERS,
        OWNERS,
        LIST,
        LIST_STATUS,
        LIST_OWNER,
        LIST_LABEL,
        EVENTS_AFTER,
        BLOB,
        COMMANDS,
        CONSUMED,
        OUTCOME,
        PRUNE_OUTCOMES,
        LEASED,
        SEE_STRAY,
        FORGET_STRAY,
        STRAYS,
        LINK,
        UNLINK,
        LINKED,
        LINKS,
        INSTANCE,
        MARK_INSTANCE,
        CHECKPOINT,
        CHECKPOINT_BESIDE,
        SCHEMA,
        NEWEST_MIGRATION,
        BACK_UP,
        FORGET_INSTANCE,
    ];
    let tables =
        [&SESSIONS, &LEASES, &EVENTS, &BLOBS, &NEW_COMMANDS, &TRANSCRIPTS, &LABELS, &SERVED, &OUTCOMES];
    let inserts = tables.into_iter().flat_map(|t| SIZES.into_iter().filter_map(|n| t.insert(n)));
    named.into_iter().chain(inserts.map(|(_, sql)| sql)).collect()
}
