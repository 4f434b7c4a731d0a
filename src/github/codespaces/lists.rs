//! All of a user's codespaces.
//!
//! Knows that a list is read page by page, by number, while others create and delete: one that changed under us is
//! read again, because whoever looks for a codespace of theirs makes a second one where it is overlooked.

use std::collections::BTreeMap;

use super::{Codespace, wire};
use crate::github::{Act, GitHub, GitHubError, Verb};

const PER_PAGE: usize = 100;
/// Two thousand codespaces; GitHub allows a user a few dozen.
const PAGES: usize = 20;
/// Readings of a list that keeps changing; the last one counts.
const READINGS: usize = 3;

impl GitHub {
    /// Every codespace of the token's user, of any repository, in any state; by name.
    pub async fn codespaces(&self) -> Result<Vec<Codespace>, GitHubError> {
        let act = Act::plain(Verb::ListCodespaces);
        let mut found = BTreeMap::new();
        for _ in 0..READINGS {
            let steady = self.reading(&act, &mut found).await?;
            if steady {
                break;
            }
        }
        Ok(found.into_values().collect())
    }

    /// One walk through all pages; `false` where they do not add up to one list.
    async fn reading(&self, act: &Act, found: &mut BTreeMap<String, Codespace>) -> Result<bool, GitHubError> {
        found.clear();
        // By number, never by the answer's `next` link: octocrab drops the token on an absolute address.
        for page in 1..=PAGES {
            let route = format!("/user/codespaces?per_page={PER_PAGE}&page={page}");
            let shown: wire::Page = self.get(act, &route).await?.json(act)?;
            let (count, total) = (shown.codespaces.len(), shown.total_count);
            found.extend(shown.codespaces.into_iter().map(Codespace::from).map(|c| (c.name.clone(), c)));
            let all = match total {
                Some(total) => found.len() >= total || count == 0,
                None => count < PER_PAGE,
            };
            if all {
                return Ok(total.is_none_or(|total| found.len() == total));
            }
        }
        let why = format!("more than {} codespaces", PER_PAGE * PAGES);
        Err(GitHubError::Unreadable { act: act.clone(), why })
    }
}
