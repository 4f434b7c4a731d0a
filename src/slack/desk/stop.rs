//! Why something was not done, on its way to the one who asked.
//!
//! Must not know how it is told.

use crate::domain::brief::is_blank;
use crate::slack::render::{self, Post, View};
use crate::slack::words::troubles::{self, Trouble};
use crate::store::slack::StoreError;
use crate::wire::api::{Code, Refusal};

/// What the person is told: `None` where they see it anyway.
pub(super) type Reply = Result<Option<Post>, Stop>;

#[derive(Debug)]
pub(super) enum Stop {
    Say(Trouble),
    /// By the control plane.
    Refused(Box<Refusal>),
    /// With what was typed, so that it is not lost.
    Keep(Trouble, String),
    Show(Box<Post>),
    /// Nobody is there to be told, or it was none of ours.
    Silent,
}

impl Stop {
    pub(super) fn post(self) -> Option<Post> {
        match self {
            Self::Say(trouble) => Some(render::notice(&trouble)),
            Self::Refused(refusal) => Some(render::refused(&refusal)),
            Self::Keep(trouble, typed) => Some(render::notice_with(&trouble, &typed)),
            Self::Show(post) => Some(*post),
            Self::Silent => None,
        }
    }

    /// In place of a form that cannot be mended; gives back what was typed.
    pub(super) fn form(self, typed: &str) -> Option<View> {
        let trouble = match self {
            Self::Say(trouble) | Self::Keep(trouble, _) => trouble,
            Self::Refused(refusal) => troubles::refused(&refusal),
            Self::Show(post) => return Some(render::settled_form(*post, Some(typed))),
            Self::Silent => return None,
        };
        Some(render::notice_form(&trouble, Some(typed)))
    }

    /// In one plain text, for the place beside a form's field.
    pub(super) fn sentence(self) -> String {
        match self {
            Self::Say(t) | Self::Keep(t, _) => format!("{} {}", t.what, t.todo),
            Self::Refused(refusal) => match refusal.hint {
                Some(hint) => format!("{}; {hint}", refusal.message),
                None => refusal.message,
            },
            Self::Show(post) => post.text,
            Self::Silent => troubles::unknown_control().what,
        }
    }

    /// Gives back what was typed, too.
    #[must_use]
    pub(super) fn keeping(self, typed: &str) -> Self {
        match self {
            other if is_blank(typed) => other,
            Self::Say(trouble) => Self::Keep(trouble, typed.to_owned()),
            Self::Refused(refusal) => Self::Keep(troubles::refused(&refusal), typed.to_owned()),
            other => other,
        }
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Say(trouble)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "what is kept about Slack could not be read or written");
        Refusal::new(Code::Internal, "something went wrong on our side").into()
    }
}
