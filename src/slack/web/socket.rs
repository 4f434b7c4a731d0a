//! Where the gateway's sockets come from.
//!
//! Knows which token opens them; must not know what comes over them.

use async_trait::async_trait;
use secrecy::SecretString;

use super::{Web, WebError};
use crate::slack::gateway::{OpenError, OpenSocket};

#[async_trait]
impl OpenSocket for Web {
    async fn open(&self) -> Result<SecretString, OpenError> {
        let missing = || OpenError::Failed("`slack.app_token` is missing".to_owned());
        let token = self.0.app_token.as_ref().ok_or_else(missing)?;
        Ok(self.open_socket(token).await?.into())
    }
}

impl From<WebError> for OpenError {
    fn from(error: WebError) -> Self {
        match error {
            WebError::RateLimited { after } => Self::RateLimited(after),
            WebError::Refused { code } => Self::Refused(code),
            error @ (WebError::Unsure | WebError::Down { .. }) => Self::Failed(error.to_string()),
        }
    }
}
