//! The laws of pull requests: what may be opened, changed and said, and how they follow their branches.
//!
//! Pure, like all of the model. Must not know how a request was spelt.

use super::{Caller, Comment, Heads, Model, Pull, Repo};
use crate::clock::Time;
use crate::workbench::forge::asks::{ChangePull, NewPull};
use crate::workbench::forge::refusal::Refusal;

/// A model that outgrows these is being filled by a bug.
const MOST_PULLS: usize = 5_000;
const MOST_COMMENTS: usize = 2_500;

impl Model {
    /// `ahead`: the head has a commit that the base has not.
    pub fn open_pull(
        &mut self,
        key: &str,
        caller: Option<&Caller>,
        asked: NewPull,
        git: (&Heads, bool),
        now: Time,
    ) -> Result<Pull, Refusal> {
        let (heads, ahead) = git;
        let id = self.last_id + 1;
        let repo = self.writable(key, caller)?;
        let head = repo.own_branch(&asked.head)?;
        let head_sha = heads.get(&head).ok_or_else(|| Refusal::field("PullRequest", "head", "invalid"))?;
        let base_sha =
            heads.get(&asked.base).ok_or_else(|| Refusal::field("PullRequest", "base", "invalid"))?;
        repo.refuse_second(&head, &asked.base, None)?;
        if !ahead {
            let message = format!("No commits between {} and {head}", asked.base);
            return Err(Refusal::custom("PullRequest", message));
        }
        if repo.pulls.len() >= MOST_PULLS {
            return Err(Refusal::custom("PullRequest", "this repository is full"));
        }
        repo.last_number += 1;
        let pull = Pull {
            id,
            number: repo.last_number,
            user: caller.map(|c| c.user.clone()).unwrap_or_default(),
            title: asked.title,
            body: asked.body,
            head,
            head_sha: head_sha.clone(),
            base: asked.base,
            base_sha: base_sha.clone(),
            draft: asked.draft,
            open: true,
            maintainer_can_modify: asked.maintainer_can_modify,
            created_at: now,
            updated_at: now,
            closed_at: None,
            merged_at: None,
            comments: Vec::new(),
        };
        repo.pulls.insert(pull.number, pull.clone());
        self.last_id = id;
        Ok(pull)
    }

    pub fn change_pull(
        &mut self,
        key: &str,
        caller: Option<&Caller>,
        number: u64,
        asked: ChangePull,
        heads: &Heads,
        now: Time,
    ) -> Result<Pull, Refusal> {
        let repo = self.writable(key, caller)?;
        let mut pull = repo.pulls.get(&number).cloned().ok_or_else(Refusal::not_found)?;
        if let Some(base) = asked.base {
            let sha = heads.get(&base).ok_or_else(|| Refusal::field("PullRequest", "base", "invalid"))?;
            pull.base_sha.clone_from(sha);
            pull.base = base;
        }
        if let Some(open) = asked.open.filter(|open| *open != pull.open) {
            if open && (pull.merged_at.is_some() || !heads.contains_key(&pull.head)) {
                return Err(Refusal::custom(
                    "PullRequest",
                    "state cannot be changed. The branch is gone or merged.",
                ));
            }
            pull.open = open;
            pull.closed_at = (!open).then_some(now);
        }
        if pull.open {
            repo.refuse_second(&pull.head, &pull.base, Some(number))?;
        }
        pull.title = asked.title.unwrap_or(pull.title);
        pull.body = asked.body.or(pull.body);
        pull.updated_at = now;
        repo.pulls.insert(number, pull.clone());
        Ok(pull)
    }

    pub fn comment(
        &mut self,
        key: &str,
        caller: Option<&Caller>,
        number: u64,
        body: String,
        now: Time,
    ) -> Result<Comment, Refusal> {
        let id = self.last_id + 1;
        let repo = self.writable(key, caller)?;
        let pull = repo.pulls.get_mut(&number).ok_or_else(Refusal::not_found)?;
        if pull.comments.len() >= MOST_COMMENTS {
            return Err(Refusal::custom(
                "IssueComment",
                "Commenting is disabled on issues with more than 2500 comments",
            ));
        }
        let user = caller.map(|c| c.user.clone()).unwrap_or_default();
        let comment = Comment { id, user, body, created_at: now };
        pull.comments.push(comment.clone());
        pull.updated_at = now;
        self.last_id = id;
        Ok(comment)
    }
}

impl Repo {
    /// `branch` or `owner:branch`; this forge has no forks, so the owner is always this one.
    fn own_branch(&self, head: &str) -> Result<String, Refusal> {
        match head.split_once(':') {
            None => Ok(head.to_owned()),
            Some((owner, branch)) if owner.eq_ignore_ascii_case(&self.owner) => Ok(branch.to_owned()),
            Some(_) => Err(Refusal::field("PullRequest", "head", "invalid")),
        }
    }

    fn refuse_second(&self, head: &str, base: &str, but: Option<u64>) -> Result<(), Refusal> {
        let same = |p: &&Pull| p.open && p.head == head && p.base == base && Some(p.number) != but;
        match self.pulls.values().find(same) {
            Some(_) => {
                let message = format!("A pull request already exists for {}:{head}.", self.owner);
                Err(Refusal::custom("PullRequest", message))
            }
            None => Ok(()),
        }
    }

    /// Brings open pull requests to where their branches are now: a push moves them, a deleted branch closes them,
    /// a base that holds the head has merged them (`merged`: their numbers). Says whether anything changed.
    pub fn follow(&mut self, heads: &Heads, merged: &[u64], now: Time) -> bool {
        let mut changed = false;
        for pull in self.pulls.values_mut().filter(|p| p.open) {
            let was = (pull.head_sha.clone(), pull.base_sha.clone(), pull.open);
            match heads.get(&pull.head) {
                Some(sha) => pull.head_sha.clone_from(sha),
                None => pull.open = false,
            }
            if merged.contains(&pull.number) {
                // Its base stays where it was: that is what the diff is against.
                pull.open = false;
                pull.merged_at = Some(now);
            } else if let Some(sha) = heads.get(&pull.base) {
                pull.base_sha.clone_from(sha);
            }
            if was != (pull.head_sha.clone(), pull.base_sha.clone(), pull.open) {
                pull.updated_at = now;
                pull.closed_at = (!pull.open).then_some(now);
                changed = true;
            }
        }
        changed
    }
}
