//! What was being done, in words.
//!
//! Knows each verb's sentence, what a token needs for it, and whether doing it twice does harm. Must not know what can
//! go wrong.

use std::fmt;

use super::super::names::short;

/// What was being done; part of every error so that a line reads alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub verb: Verb,
    /// `owner/name`, with `#n` for one pull request, or a codespace's name; empty where nothing of that is meant.
    pub at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    ReadViewer,
    ReadRepo,
    FindPull,
    OpenPull,
    UpdatePull,
    Comment,
    ListCodespaces,
    ReadCodespace,
    ReadMachines,
    CheckPermissions,
    CreateCodespace,
    StartCodespace,
    StopCodespace,
    DeleteCodespace,
    ExportCodespace,
    ReadExport,
    /// The device flow: a code for a person, then their token.
    Link,
}

impl Act {
    pub(in super::super) fn on(verb: Verb, owner: &str, name: &str) -> Self {
        Self { verb, at: short(&format!("{owner}/{name}")) }
    }

    pub(in super::super) fn on_pull(verb: Verb, owner: &str, name: &str, number: u64) -> Self {
        Self { verb, at: short(&format!("{owner}/{name}#{number}")) }
    }

    pub(in super::super) fn on_codespace(verb: Verb, name: &str) -> Self {
        Self { verb, at: short(name) }
    }

    pub(in super::super) fn plain(verb: Verb) -> Self {
        Self { verb, at: String::new() }
    }

    /// The permissions it takes, in GitHub's words.
    pub(super) fn needs(&self) -> &'static str {
        match self.verb {
            Verb::ReadViewer | Verb::Link => "to be a user's token",
            Verb::ReadRepo => "contents: read",
            Verb::FindPull => "pull_requests: read",
            Verb::OpenPull => "contents and pull_requests: write",
            Verb::UpdatePull | Verb::Comment => "pull_requests: write",
            Verb::ListCodespaces | Verb::ReadCodespace => "the scope `codespace`, or codespaces: read",
            Verb::CreateCodespace | Verb::DeleteCodespace => "the scope `codespace`, or codespaces: write",
            Verb::StartCodespace | Verb::StopCodespace | Verb::ExportCodespace | Verb::ReadExport => {
                "the scope `codespace`, or codespaces_lifecycle_admin: write"
            }
            Verb::ReadMachines | Verb::CheckPermissions => {
                "the scope `codespace`, or codespaces_metadata: read"
            }
        }
    }

    /// A read: a call that failed left nothing behind.
    pub(in super::super) fn changes_nothing(&self) -> bool {
        matches!(
            self.verb,
            Verb::ReadViewer
                | Verb::ReadRepo
                | Verb::FindPull
                | Verb::ListCodespaces
                | Verb::ReadCodespace
                | Verb::ReadMachines
                | Verb::CheckPermissions
                | Verb::ReadExport
        )
    }

    /// Done a second time it comes to the same: a caller need not look before it asks again.
    pub(super) fn harmless_twice(&self) -> bool {
        self.changes_nothing()
            || matches!(
                self.verb,
                Verb::StartCodespace
                    | Verb::StopCodespace
                    | Verb::DeleteCodespace
                    | Verb::ExportCodespace
                    | Verb::Link
            )
    }

    pub(super) fn of_codespaces(&self) -> bool {
        matches!(
            self.verb,
            Verb::ListCodespaces
                | Verb::ReadCodespace
                | Verb::ReadMachines
                | Verb::CheckPermissions
                | Verb::CreateCodespace
                | Verb::StartCodespace
                | Verb::StopCodespace
                | Verb::DeleteCodespace
                | Verb::ExportCodespace
                | Verb::ReadExport
        )
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match self.verb {
            Verb::ReadViewer => f.write_str("sign in to GitHub"),
            Verb::ReadRepo => write!(f, "read `{at}`"),
            Verb::FindPull => write!(f, "look for pull requests in `{at}`"),
            Verb::OpenPull => write!(f, "open pull requests in `{at}`"),
            Verb::UpdatePull => write!(f, "update `{at}`"),
            Verb::Comment => write!(f, "comment on `{at}`"),
            Verb::ListCodespaces => f.write_str("list the codespaces"),
            Verb::ReadCodespace => write!(f, "look at the codespace `{at}`"),
            Verb::ReadMachines => write!(f, "read which machines `{at}` may use"),
            Verb::CheckPermissions => write!(f, "check what the dev container of `{at}` asks for"),
            Verb::CreateCodespace => write!(f, "create a codespace for `{at}`"),
            Verb::StartCodespace => write!(f, "start the codespace `{at}`"),
            Verb::StopCodespace => write!(f, "stop the codespace `{at}`"),
            Verb::DeleteCodespace => write!(f, "delete the codespace `{at}`"),
            Verb::ExportCodespace => write!(f, "save the work in the codespace `{at}` as a branch"),
            Verb::ReadExport => write!(f, "see whether the work in the codespace `{at}` is saved"),
            Verb::Link => f.write_str("link a GitHub account"),
        }
    }
}
