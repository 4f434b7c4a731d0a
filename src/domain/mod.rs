//! Floor 0: what things *are* and every legal step.
//!
//! Knows sessions, leases, asks, events, commands, the queue and their limits; types derive serde so that
//! they can be stored and sent, and, with the feature `server`, `utoipa`'s description of what is public. Must not know
//! tokio, SQL, Slack, a clock or randomness: `now` is handed in.

pub mod argv;
pub mod ask;
pub mod brief;
pub mod command;
pub mod event;
pub mod ids;
pub mod lease;
pub mod limits;
pub mod queue;
pub mod report;
pub mod session;

pub use ids::{Actor, AskId, Attempt, Repo, Seq, SessionId, Time, without_user};
