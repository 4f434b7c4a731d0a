//! The view of a node: whose it is, how it stands, what it has cost.
//!
//! Field names are the public JSON and only ever grow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::lease::State;
use crate::domain::{SessionId, Time};

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Node)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// The provider's own name for it; absent until it has one.
    pub node_id: Option<String>,
    /// Our mark on it: `<instance>-<session>-<incarnation>`.
    pub key: String,
    pub provider: String,
    /// Absent for a stray: a node with our mark that belongs to no session and goes after a grace time.
    pub state: Option<State>,
    pub session: Option<SessionId>,
    pub owner: Option<String>,
    /// When it was asked for; of a stray, when it was seen first.
    #[schema(value_type = DateTime<Utc>)]
    pub created_at: Time,
    /// How long it was up, in all.
    pub up_seconds: u64,
    /// An estimate in millionths of a US dollar; absent where nodes cost nothing or nobody can say.
    pub cost_micro_usd: Option<u64>,
    /// What its provider last said of it that a person should know.
    pub notice: Option<String>,
    /// Why its present step fails.
    pub trouble: Option<String>,
}
