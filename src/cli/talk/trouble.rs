//! What went wrong, for the person at the terminal: what happened, to what, what to do; and the exit code.
//!
//! The one place that maps errors to exit codes.

use std::io;

use super::paint::clean;
use crate::wire::api::{About, Code, Refusal};

#[derive(Debug)]
pub enum Trouble {
    Refused(Refusal),
    /// The command line makes no sense.
    Usage {
        what: String,
        hint: Option<String>,
    },
    /// The machine is not set up: configuration, data folder, doctor.
    Setup {
        what: String,
        hint: Option<String>,
    },
    Io(io::Error),
}

impl Trouble {
    pub fn usage(what: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), hint: None }
    }

    pub fn setup(what: impl Into<String>) -> Self {
        Self::Setup { what: what.into(), hint: None }
    }

    #[must_use]
    pub fn hint(self, text: impl Into<String>) -> Self {
        let hint = Some(text.into());
        match self {
            Self::Refused(refusal) => Self::Refused(Refusal { hint, ..refusal }),
            Self::Usage { what, .. } => Self::Usage { what, hint },
            Self::Setup { what, .. } => Self::Setup { what, hint },
            Self::Io(e) => Self::Io(e),
        }
    }

    /// 1 failure, 2 usage, 3 set-up, 4 not allowed, 5 not there or not possible, 69 no server.
    pub fn exit(&self) -> u8 {
        match self {
            Self::Refused(refusal) => match refusal.code {
                Code::Invalid | Code::TooLarge => 2,
                Code::Unauthorized | Code::Forbidden => 4,
                Code::NotFound | Code::Illegal | Code::Settled | Code::KeyReused | Code::Outdated => 5,
                Code::Unreachable => 69,
                Code::Busy | Code::Internal => 1,
            },
            Self::Usage { .. } => 2,
            Self::Setup { .. } => 3,
            // Whoever read us has read enough.
            Self::Io(e) if e.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Io(_) => 1,
        }
    }

    /// What is printed: nothing where nobody reads any more.
    pub fn text(&self) -> Option<String> {
        let (what, hint) = match self {
            Self::Refused(refusal) => (refusal.message.clone(), refusal.hint.clone()),
            Self::Usage { what, hint } | Self::Setup { what, hint } => (what.clone(), hint.clone()),
            Self::Io(e) if e.kind() == io::ErrorKind::BrokenPipe => return None,
            Self::Io(e) => (e.to_string(), None),
        };
        let hint = hint.map(|h| format!("\nhint: {h}")).unwrap_or_default();
        Some(clean(&format!("error: {what}{hint}")))
    }
}

impl From<Refusal> for Trouble {
    /// The server's own hints speak of headers and routes; here they are a variable and verbs.
    fn from(refusal: Refusal) -> Self {
        let hint = match (refusal.code, refusal.about) {
            (Code::Unauthorized, _) => "set DEVTASK_TOKEN to what the server's token file holds",
            (_, Some(About::Session)) => "`devtask list` shows them",
            (_, Some(About::Ask)) => "`devtask list --asks` shows the open ones",
            (_, Some(About::Machine)) => {
                "`devtask doctor` looks at everything at once, where the server runs"
            }
            (_, None) => return Self::Refused(refusal),
        };
        Self::Refused(refusal.hint(hint))
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
