//! Where the control plane listens and for whom.
//!
//! Knows the `[http]` section and what of it is refused; must not know how it is bound.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// File with the bearer token, mode 0600; `token` in the data folder where none is named.
    pub token_file: Option<PathBuf>,
    /// Names beside `localhost` and the address itself under which the server may be called.
    pub allowed_hosts: Vec<String>,
    /// An address that others can reach is refused without it.
    pub allow_remote: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7777".to_owned(),
            token_file: None,
            allowed_hosts: Vec::new(),
            allow_remote: false,
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("`http.listen = \"{0}\"` is no address and port; write it like `127.0.0.1:7777`")]
    BadAddress(String),
    #[error(
        "`http.listen = \"{0}\"` can be reached from other machines; set `http.allow_remote = true` if that is meant"
    )]
    Remote(SocketAddr),
    #[error("`{0}` in `http.allowed_hosts` is no host name; write it without scheme, port and path")]
    BadHost(String),
}

impl Settings {
    /// The address to bind, refused where it is not meant for others and could be reached by them.
    pub fn address(&self) -> Result<SocketAddr, SettingsError> {
        let address: SocketAddr =
            self.listen.parse().map_err(|_| SettingsError::BadAddress(self.listen.clone()))?;
        if !address.ip().is_loopback() && !self.allow_remote {
            return Err(SettingsError::Remote(address));
        }
        Ok(address)
    }

    /// Every name under which a request may call us, in lower case and without port.
    pub fn hosts(&self) -> Result<Vec<String>, SettingsError> {
        let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into();
        let own = self.address()?.ip();
        hosts.push(if own.is_ipv6() { format!("[{own}]") } else { own.to_string() });
        for host in &self.allowed_hosts {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            if host.is_empty() || !host.chars().all(plain) {
                return Err(SettingsError::BadHost(host.clone()));
            }
            hosts.push(host.to_ascii_lowercase());
        }
        Ok(hosts)
    }
}
