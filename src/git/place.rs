//! One repository on this machine: asking it, and moving its refs.
//!
//! Knows the verbs that neither touch a remote nor a work tree's files; must not know what a ref stands for.
//! A [`Place`] always names its folder to git, so that nothing is discovered above it.

use std::path::{Path, PathBuf};

use super::error::GitError;
use super::names::{RefName, RemoteUrl, Sha};
use super::run::{Call, Git};

/// A repository: its git folder and, where it has one, its work tree.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) git: Git,
    pub(super) dir: PathBuf,
    pub(super) tree: Option<PathBuf>,
}

/// A person as git writes them. Built by [`Identity::new`], which takes out what git cannot write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub email: String,
}

impl Identity {
    pub fn new(name: &str, email: &str) -> Self {
        let clean = |text: &str, max: usize| -> String {
            let kept = text.chars().filter(|c| !c.is_control() && !"<>".contains(*c));
            kept.take(max)
                .collect::<String>()
                .trim_matches([' ', '.', ',', ':', ';', '"', '\\', '\''])
                .to_owned()
        };
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        Self { name: or(clean(name, 100), "unknown"), email: or(clean(email, 200), "unknown@localhost") }
    }
}

/// A commit to be made; nothing is moved by it.
#[derive(Clone, Debug)]
pub struct Commit<'a> {
    pub tree: &'a Sha,
    pub parents: &'a [Sha],
    pub message: &'a str,
    pub author: &'a Identity,
    pub committer: &'a Identity,
}

impl Git {
    /// A bare repository, or a git folder whose files we do not touch.
    pub fn bare(&self, dir: impl Into<PathBuf>) -> Place {
        Place { git: self.clone(), dir: dir.into(), tree: None }
    }

    /// A clone with files: `dir/.git` and `dir`.
    pub fn clone_at(&self, dir: impl Into<PathBuf>) -> Place {
        let tree = dir.into();
        Place { git: self.clone(), dir: tree.join(".git"), tree: Some(tree) }
    }
}

impl Place {
    /// The git folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same repository with another folder as its files.
    #[must_use]
    pub fn over(&self, tree: impl Into<PathBuf>) -> Self {
        Self { tree: Some(tree.into()), ..self.clone() }
    }

    pub(super) fn call(&self, verb: &'static str) -> Call<'_> {
        let call = self.git.call(verb).env("GIT_DIR", &self.dir);
        match &self.tree {
            Some(tree) => call.env("GIT_WORK_TREE", tree),
            None => call,
        }
    }

    /// Makes the repository; one that exists stays as it is. No template, so no hooks.
    pub async fn init(&self) -> Result<(), GitError> {
        let call = self.git.call("init").args(["--quiet", "--template="]);
        let call = match &self.tree {
            Some(tree) => call.arg("--").arg(tree),
            None => call.arg("--bare").arg("--").arg(&self.dir),
        };
        call.run().await.map(drop)
    }

    /// Reads objects of another repository too. It must live as long as this one.
    pub async fn borrow_objects(&self, other: &Path) -> Result<(), GitError> {
        let file = self.dir.join("objects/info/alternates");
        let mut line = other.join("objects").into_os_string().into_encoded_bytes();
        line.push(b'\n');
        tokio::fs::write(file, line).await.map_err(GitError::Io)
    }

    pub async fn set(&self, key: &'static str, value: &str) -> Result<(), GitError> {
        self.call("config").args(["--local", key, value]).run().await.map(drop)
    }

    /// The address of a remote as this repository knows it; `None` where it has no remote of that name.
    pub async fn remote(&self, name: &'static str) -> Result<Option<String>, GitError> {
        let said = self.call("remote").args(["get-url", "--", name]).may_fail(&[2]).run().await?;
        Ok(Some(said.text()).filter(|_| said.code == 0))
    }

    /// The commit `HEAD` stands at; `None` before the first one.
    pub async fn head(&self) -> Result<Option<Sha>, GitError> {
        self.ask("HEAD^{commit}").await
    }

    /// Where a ref stands.
    pub async fn find(&self, name: &RefName) -> Result<Option<Sha>, GitError> {
        self.ask(&format!("{name}^{{commit}}")).await
    }

    /// The tree of a commit.
    pub async fn tree_of(&self, commit: &Sha) -> Result<Sha, GitError> {
        self.ask(&format!("{commit}^{{tree}}")).await?.ok_or(GitError::Odd { verb: "rev-parse" })
    }

    /// Whether the commit is here.
    pub async fn has(&self, commit: &Sha) -> Result<bool, GitError> {
        Ok(self.ask(&format!("{commit}^{{commit}}")).await?.is_some())
    }

    async fn ask(&self, what: &str) -> Result<Option<Sha>, GitError> {
        let call = self.call("rev-parse").args(["--verify", "--quiet", "--end-of-options", what]);
        let said = call.may_fail(&[1, 128]).run().await?;
        Ok(if said.code == 0 { said.text().parse().ok() } else { None })
    }

    /// Moves a ref from wherever it stands: for refs that are ours alone.
    pub async fn set_ref(&self, name: &RefName, to: &Sha) -> Result<(), GitError> {
        self.call("update-ref").args(["--no-deref", name.as_str(), to.as_str()]).run().await.map(drop)
    }

    /// Moves what `HEAD` is on (its branch, or itself when detached).
    pub async fn move_head(&self, to: &Sha, old: &Sha) -> Result<(), GitError> {
        self.call("update-ref").args(["HEAD", to.as_str(), old.as_str()]).run().await.map(drop)
    }

    /// `HEAD` stands at a commit and on no branch; files stay.
    pub async fn detach(&self, at: &Sha) -> Result<(), GitError> {
        self.call("update-ref").args(["--no-deref", "HEAD", at.as_str()]).run().await.map(drop)
    }

    /// Refs below `refs/…` prefixes and the commits they stand at.
    pub async fn refs(&self, below: &[&'static str]) -> Result<Vec<(RefName, Sha)>, GitError> {
        let call = self.call("for-each-ref").arg("--format=%(objectname) %(refname)").args(below);
        let said = call.run().await?.text();
        let pair = |line: &str| {
            let (sha, name) = line.split_once(' ')?;
            Some((name.parse().ok()?, sha.parse().ok()?))
        };
        Ok(said.lines().filter_map(pair).collect())
    }

    pub async fn is_ancestor(&self, old: &Sha, new: &Sha) -> Result<bool, GitError> {
        let call = self.call("merge-base").args(["--is-ancestor", old.as_str(), new.as_str()]);
        Ok(call.may_fail(&[1]).run().await?.code == 0)
    }

    pub async fn merge_base(&self, one: &Sha, other: &Sha) -> Result<Option<Sha>, GitError> {
        let said = self.call("merge-base").args([one.as_str(), other.as_str()]).may_fail(&[1]).run().await?;
        Ok(said.text().parse().ok())
    }

    /// A file's bytes in a commit; `None` where it is not there or is no plain file.
    pub async fn file(&self, commit: &Sha, path: &'static str) -> Result<Option<Vec<u8>>, GitError> {
        let call = self.call("ls-tree").args(["-z", "--full-tree", commit.as_str(), "--", path]);
        let said = call.run().await?.text();
        let Some((meta, _)) = said.split_once('\t') else { return Ok(None) };
        let mut words = meta.split(' ');
        let (mode, blob) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        if !mode.starts_with("100") {
            return Ok(None);
        }
        let blob: Sha = blob.parse()?;
        Ok(Some(self.call("cat-file").args(["blob", blob.as_str()]).run().await?.out))
    }

    /// A commit's message.
    pub async fn message(&self, commit: &Sha) -> Result<String, GitError> {
        let call = self.call("log").args(["-1", "--format=%B", "--no-show-signature", commit.as_str(), "--"]);
        Ok(call.run().await?.text())
    }

    /// A commit's parents, first one first.
    pub async fn parents(&self, commit: &Sha) -> Result<Vec<Sha>, GitError> {
        let said = self.call("log").args(["-1", "--format=%P", commit.as_str(), "--"]).run().await?.text();
        said.split_whitespace().map(|p| Ok(p.parse()?)).collect()
    }

    pub async fn commit(&self, commit: &Commit<'_>) -> Result<Sha, GitError> {
        let mut call = self.call("commit-tree").args(["-F", "-"]).stdin(commit.message.as_bytes().to_vec());
        for parent in commit.parents {
            call = call.args(["-p", parent.as_str()]);
        }
        let said = call
            .arg(commit.tree.as_str())
            .env("GIT_AUTHOR_NAME", &commit.author.name)
            .env("GIT_AUTHOR_EMAIL", &commit.author.email)
            .env("GIT_COMMITTER_NAME", &commit.committer.name)
            .env("GIT_COMMITTER_EMAIL", &commit.committer.email)
            .run()
            .await?;
        said.text().parse().map_err(|_| GitError::Odd { verb: "commit-tree" })
    }

    /// The tree without files, for commits that only carry a message.
    pub async fn empty_tree(&self) -> Result<Sha, GitError> {
        let said = self.call("mktree").run().await?;
        said.text().parse().map_err(|_| GitError::Odd { verb: "mktree" })
    }

    /// Whether the history was cut off (`--depth`).
    pub async fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(self.call("rev-parse").arg("--is-shallow-repository").run().await?.text() == "true")
    }

    /// Fetches from another repository of this machine without a credential.
    pub async fn fetch_local(&self, from: &Path, specs: &[String]) -> Result<(), GitError> {
        let url = RemoteUrl::Path(from.to_owned());
        self.fetch(&url, specs, None).await
    }
}
