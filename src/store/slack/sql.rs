//! The statements about Slack by name, in portable SQL; the store's one test prepares them all.
//!
//! Knows tables and columns; must not know when a statement is run.

pub(in crate::store) const DELIVERY: &str = "SELECT 1 AS one FROM slack_deliveries WHERE key = $1";
pub(in crate::store) const ADD_DELIVERY: &str =
    "INSERT INTO slack_deliveries (key, kind, payload, received_at, deadline) VALUES ($1, $2, $3, $4, $5)";
/// The payload holds what people wrote and addresses that answer: it is not kept for nothing.
pub(in crate::store) const END_DELIVERY: &str =
    "UPDATE slack_deliveries SET done_at = $2, payload = '' WHERE key = $1 AND done_at IS NULL";
pub(in crate::store) const OPEN_DELIVERIES: &str = "SELECT key, kind, payload, received_at, deadline \
    FROM slack_deliveries WHERE done_at IS NULL ORDER BY received_at, key LIMIT $1";
pub(in crate::store) const OLDEST_DELIVERY: &str =
    "SELECT received_at FROM slack_deliveries WHERE done_at IS NULL ORDER BY received_at, key LIMIT 1";
pub(in crate::store) const PRUNE_DELIVERIES: &str = "DELETE FROM slack_deliveries WHERE done_at < $1";

/// What is set stays set.
pub(in crate::store) const PUT_THREAD: &str = "INSERT INTO slack_threads (session, channel, thread, root, owner, cursor) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (session) DO UPDATE SET thread = coalesce(slack_threads.thread, excluded.thread), \
    root = coalesce(slack_threads.root, excluded.root)";
pub(in crate::store) const TOLD: &str =
    "UPDATE slack_threads SET cursor = $2 WHERE session = $1 AND cursor < $2";
/// Before [`ROOTED`]: where that takes a thread away, it is remembered.
pub(in crate::store) const LEAVE_THREAD: &str = "INSERT INTO slack_past_threads (channel, thread, session) \
    SELECT channel, thread, session FROM slack_threads WHERE session = $1 AND thread IS NOT NULL \
    AND (channel <> $3 OR (thread = root AND thread <> $2)) ON CONFLICT DO NOTHING";
/// A root may be posted anew, and then begins a thread of its own; over there, where the channel refused us.
pub(in crate::store) const ROOTED: &str = "UPDATE slack_threads SET root = $2, channel = $3, \
    thread = CASE WHEN thread IS NULL OR thread = root OR channel <> $3 THEN $2 ELSE thread END \
    WHERE session = $1";
pub(in crate::store) const THREAD: &str = "SELECT t.session, t.channel, t.thread, t.root, t.owner, t.cursor, s.head, s.changed \
    FROM slack_threads t JOIN sessions s ON s.id = t.session WHERE t.session = $1";
pub(in crate::store) const SESSIONS_AT: &str = "SELECT session FROM slack_threads WHERE channel = $1 AND thread = $2 \
    UNION SELECT session FROM slack_past_threads WHERE channel = $1 AND thread = $2 ORDER BY session DESC";
/// $1: only sessions that changed after this stamp; $2: at most so many, what changed first before.
pub(in crate::store) const THREADS_DUE: &str = "SELECT t.session, t.channel, t.thread, t.root, t.owner, t.cursor, s.head, s.changed \
    FROM sessions s JOIN slack_threads t ON t.session = s.id \
    WHERE s.changed > $1 AND s.head > t.cursor ORDER BY s.changed LIMIT $2";

pub(in crate::store) const SENDING: &str = "INSERT INTO slack_posts (session, slot, channel, ts, hash, at) VALUES ($1, $2, $3, NULL, $4, $5) \
    ON CONFLICT (session, slot) DO UPDATE SET channel = excluded.channel, ts = NULL, hash = excluded.hash, \
    at = excluded.at";
pub(in crate::store) const SENT: &str = "INSERT INTO slack_posts (session, slot, channel, ts, hash, at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (session, slot) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, \
    hash = excluded.hash, at = excluded.at";
pub(in crate::store) const POSTS: &str =
    "SELECT session, slot, channel, ts, hash, at FROM slack_posts WHERE session = $1 ORDER BY at, slot";
pub(in crate::store) const POST_AT: &str =
    "SELECT session, slot, channel, ts, hash, at FROM slack_posts WHERE channel = $1 AND ts = $2";

pub(in crate::store) const REMEMBER: &str = "INSERT INTO slack_facts (scope, name, value) VALUES ($1, $2, $3) \
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value";
pub(in crate::store) const RECALL: &str = "SELECT value FROM slack_facts WHERE scope = $1 AND name = $2";

/// Everything above, for the test that prepares it.
#[cfg(test)]
pub(in crate::store) const ALL: [&str; 19] = [
    DELIVERY,
    ADD_DELIVERY,
    END_DELIVERY,
    OPEN_DELIVERIES,
    OLDEST_DELIVERY,
    PRUNE_DELIVERIES,
    PUT_THREAD,
    TOLD,
    LEAVE_THREAD,
    ROOTED,
    THREAD,
    SESSIONS_AT,
    THREADS_DUE,
    SENDING,
    SENT,
    POSTS,
    POST_AT,
    REMEMBER,
    RECALL,
];
