//! Who a person is on the forge, as they are shown it.
//!
//! Field names are the public JSON and only ever grow. Holds no token.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Time;

/// How a person comes to be linked with their account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
    /// A file on the server's machine with a token of theirs, read whenever it is needed. Without it a code is shown
    /// that they type at the forge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
}

/// Whether a person is linked with their account on the forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Account)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum AccountView {
    /// Their sessions run and publish in DevTask's own name.
    Unlinked,
    /// They have been shown a code and have not typed it yet.
    #[serde(rename_all = "camelCase")]
    Waiting {
        user_code: String,
        verification_uri: String,
        #[schema(value_type = DateTime<Utc>)]
        until: Time,
    },
    /// The last try came to nothing.
    Refused { why: String },
    Linked {
        login: String,
        #[schema(value_type = DateTime<Utc>)]
        since: Time,
    },
}
