//! Forms, and the address of a socket.
//!
//! Knows how a form is opened and exchanged. Must not know what it asks.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use slack_morphism::prelude::SlackView;

use super::{Web, WebError};

#[derive(Deserialize)]
struct Shown {
    view: ShownView,
}

#[derive(Deserialize)]
struct ShownView {
    id: String,
}

#[derive(Deserialize)]
struct Socket {
    url: String,
}

impl Web {
    /// Opens a form; `trigger` lives three seconds and is used once. Says the form's id.
    pub async fn open_view(&self, trigger: &str, view: &SlackView) -> Result<String, WebError> {
        let shown: Shown = self.write("views.open", &json!({ "trigger_id": trigger, "view": view })).await?;
        Ok(shown.view.id)
    }

    /// Puts another form in place of an open one.
    pub async fn update_view(&self, view_id: &str, view: &SlackView) -> Result<(), WebError> {
        let _: Shown = self.write("views.update", &json!({ "view_id": view_id, "view": view })).await?;
        Ok(())
    }

    /// An address for one socket; it holds a ticket, so it is as secret as a token.
    pub async fn open_socket(&self, app_token: &SecretString) -> Result<String, WebError> {
        let socket: Socket = self.write_as(app_token, "apps.connections.open", &json!({})).await?;
        Ok(socket.url)
    }
}
