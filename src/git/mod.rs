//! Floor 1: the git CLI as typed verbs.
//!
//! ```text
//!   Git          how git is started: cleared environment, argv only, time and output bounded, group killed
//!   ├ ls_remote, default_branch …      what a remote says                                  (remote)
//!   ├ at(dir) ─► Place                 verbs on one repository                   (place, tree, ship)
//!   └ Mirror                           the cached bare copy that parallel sessions share   (mirror)
//! ```
//! Names are values that cannot be wrong ([`BranchName`], [`RefName`], [`Sha`], [`RemoteUrl`]): no option, no `ext::`,
//! no control character gets into an argument. Hooks, prompts, foreign configuration, pagers, editors, submodules,
//! garbage collection and lazy fetches are off. A credential is lent to one command (`credential`).
//!
//! Knows git; must not know sessions, attempts or forges.

mod credential;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod mirror;
mod names;
mod place;
mod remote;
mod run;
mod ship;
#[cfg(test)]
mod tests;
mod tree;

pub use error::{Failure, GitError};
pub use mirror::Mirror;
pub use names::{BadName, BranchName, RefName, RemoteUrl, Sha};
pub use place::{Commit, Identity, Place};
pub use remote::Heads;
pub use run::Git;
pub use ship::{Lease, Push};
pub use tree::Swept;
