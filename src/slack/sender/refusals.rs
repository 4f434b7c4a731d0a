//! What Slack's refusals mean for a message of ours.
//!
//! Pure. One table; a code that is not in it is tried again, ever more seldom. Must not know who posts.

use crate::slack::words::ends::Gone;

/// What to do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The channel takes nothing from us, for good: go to the owner in person.
    NoHome,
    /// The thread's first message is gone, and with it the thread.
    NoThread,
    /// The message was deleted, or cannot be changed any more.
    NoMessage,
    /// Slack does not take it as it is: say it plainly.
    Unfit,
    /// Our token is not good: nothing goes through until a person has changed something.
    Token,
    /// Later.
    Later,
}

pub fn means(code: &str) -> Means {
    match code {
        "channel_not_found"
        | "is_archived"
        | "not_in_channel"
        | "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_non_threadable_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_thread_locked"
        | "method_not_supported_for_channel_type"
        | "external_channel_migrating"
        | "team_not_found"
        | "user_not_in_channel" => Means::NoHome,
        "thread_not_found" | "invalid_thread_ts" | "cannot_reply_to_message" => Means::NoThread,
        "message_not_found"
        | "cant_update_message"
        | "edit_window_closed"
        | "cant_delete_message"
        | "is_inactive"
        | "block_mismatch" => Means::NoMessage,
        "invalid_blocks"
        | "invalid_blocks_format"
        | "invalid_block_type"
        | "msg_too_long"
        | "msg_blocks_too_long"
        | "no_text"
        | "invalid_arguments"
        | "invalid_metadata_format"
        | "invalid_metadata_schema"
        | "metadata_too_large"
        | "markdown_text_conflict"
        | "too_many_blocks" => Means::Unfit,
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "ekm_access_denied"
        | "org_login_required"
        | "access_denied"
        | "team_access_not_granted" => Means::Token,
        _ => Means::Later,
    }
}

/// What is said of a channel that refused us so.
pub fn gone(code: &str) -> Gone {
    match (code, means(code)) {
        ("is_archived", _) => Gone::Archived,
        (_, Means::NoThread) => Gone::Thread,
        _ => Gone::Closed,
    }
}
