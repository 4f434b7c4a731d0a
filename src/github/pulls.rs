//! Pull requests, one verb per route: find by branch, open, update, comment.
//!
//! Knows GitHub's limits of a title and a text. Each write here is sent once; see `publish.rs` for the verb that
//! may be repeated.

use octocrab::models::IssueState;
use octocrab::models::pulls::PullRequest;
use octocrab::params;

use super::names::{self, cut};
use super::{Act, GitHub, GitHubError, Verb};

/// GitHub's own limits, in characters.
const LONGEST_TITLE: usize = 256;
const LONGEST_BODY: usize = 65_536;
/// Pages of a hundred looked through for a branch's pull request; one has always been enough.
const PAGES: u32 = 5;

/// A pull request to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPull {
    pub owner: String,
    pub name: String,
    /// The branch with the work, in the same repository.
    pub head: String,
    /// The branch it is to be merged into.
    pub base: String,
    /// Cut to 256 characters.
    pub title: String,
    /// Markdown; cut to 65 536 characters.
    pub body: String,
    pub draft: bool,
}

/// A pull request as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    pub number: u64,
    /// The page for people.
    pub url: String,
    pub state: PullState,
    pub title: String,
    pub body: String,
    pub draft: bool,
    pub base: String,
    pub head_sha: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullState {
    Open,
    Closed,
    Merged,
}

impl GitHub {
    /// The pull request of a branch: the newest open one, else the newest of any state.
    pub async fn find_pull(
        &self,
        owner: &str,
        name: &str,
        head_branch: &str,
    ) -> Result<Option<Pull>, GitHubError> {
        let act = Act::on(Verb::FindPull, owner, name);
        names::check(owner, name, &act)?;
        names::check_branch(head_branch, &act)?;
        let mut newest: Option<Pull> = None;
        // By number, never by the answer's `next` link: octocrab may drop the token on an absolute address.
        for page in 1..=PAGES {
            let found = self.read(act.clone(), || self.list(owner, name, head_branch, page)).await?;
            let full = found.len() == 100;
            let of_branch = found.into_iter().filter(|p| is_of(p, head_branch));
            newest = newest.into_iter().chain(of_branch.map(view)).max_by_key(rank);
            if !full || newest.as_ref().is_some_and(|p| p.state == PullState::Open) {
                break;
            }
        }
        Ok(newest)
    }

    async fn list(
        &self,
        owner: &str,
        name: &str,
        head: &str,
        page: u32,
    ) -> octocrab::Result<Vec<PullRequest>> {
        let pulls = self.crab.pulls(owner, name);
        // Without the owner GitHub ignores the filter and lists everything.
        let asked = pulls.list().head(format!("{owner}:{head}")).state(params::State::All);
        Ok(asked.per_page(100).page(page).send().await?.items)
    }

    /// Opens one. GitHub refuses a second open one for the same two branches.
    pub async fn open_pull(&self, new: &NewPull) -> Result<Pull, GitHubError> {
        let act = Act::on(Verb::OpenPull, &new.owner, &new.name);
        names::check(&new.owner, &new.name, &act)?;
        names::check_branch(&new.head, &act)?;
        names::check_branch(&new.base, &act)?;
        let pulls = self.crab.pulls(&new.owner, &new.name);
        let asked = pulls
            .create(new.fit_title(), &new.head, &new.base)
            .body(new.fit_body())
            .draft(new.draft)
            .maintainer_can_modify(true);
        self.write(act, asked.send()).await.map(view)
    }

    /// Changes the title, the text or both.
    pub async fn update_pull(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        title: Option<&str>,
        body: Option<&str>,
    ) -> Result<Pull, GitHubError> {
        let act = Act::on_pull(Verb::UpdatePull, owner, name, number);
        names::check(owner, name, &act)?;
        let pulls = self.crab.pulls(owner, name);
        let asked = pulls
            .update(number)
            .title::<String>(title.map(|t| cut(t, LONGEST_TITLE)))
            .body::<String>(body.map(|b| cut(b, LONGEST_BODY)));
        self.write(act, asked.send()).await.map(view)
    }

    /// Comments on a pull request; the address of the comment.
    pub async fn comment(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        body: &str,
    ) -> Result<String, GitHubError> {
        let act = Act::on_pull(Verb::Comment, owner, name, number);
        names::check(owner, name, &act)?;
        let issues = self.crab.issues(owner, name);
        let body = cut(body, LONGEST_BODY);
        let made = self.write(act, issues.create_comment(number, body)).await?;
        Ok(made.html_url.into())
    }
}

impl NewPull {
    /// One line, within GitHub's limit.
    pub(super) fn fit_title(&self) -> String {
        let line = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        cut(&line, LONGEST_TITLE)
    }

    pub(super) fn fit_body(&self) -> String {
        cut(&self.body, LONGEST_BODY)
    }
}

/// Guards against a list that was not filtered: somebody's fork may have a branch of the same name.
fn is_of(pull: &PullRequest, branch: &str) -> bool {
    let ours = match (&pull.head.repo, &pull.base.repo) {
        (Some(from), Some(to)) => from.id == to.id,
        // A fork that is gone.
        (None, _) | (_, None) => false,
    };
    ours && pull.head.ref_field == branch
}

/// Open before not open, then by number.
fn rank(pull: &Pull) -> (bool, u64) {
    (pull.state == PullState::Open, pull.number)
}

fn view(pull: PullRequest) -> Pull {
    let state = match pull.state {
        _ if pull.merged_at.is_some() || pull.merged == Some(true) => PullState::Merged,
        Some(IssueState::Open) | None => PullState::Open,
        Some(_) => PullState::Closed,
    };
    Pull {
        number: pull.number,
        url: pull.html_url.map_or(pull.url, String::from),
        state,
        title: pull.title.unwrap_or_default(),
        body: pull.body.unwrap_or_default(),
        draft: pull.draft.unwrap_or(false),
        base: pull.base.ref_field,
        head_sha: pull.head.sha,
    }
}
