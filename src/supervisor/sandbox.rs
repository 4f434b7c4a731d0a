//! The cage: how code we do not trust (the agent, set-up commands, checks) is started on this machine.
//!
//! With bubblewrap: own process namespace, the whole disk read-only, only workspace and agent folder writable, our own
//! data hidden, the network kept. Without: the same environment and nothing else. Secrets travel in the environment
//! of the process, never in an argument list. Must not know what is started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::wire::run::{MARK, PASSED, Run};

use super::home::Home;

/// How untrusted code is started.
#[derive(Clone, Debug)]
pub struct Cage {
    bubblewrap: Option<PathBuf>,
    hide: Vec<PathBuf>,
    /// Shown again, read-only, where a hidden folder covers them.
    readable: Vec<PathBuf>,
    home: PathBuf,
    workspace: PathBuf,
    /// Where commands start: the workspace, or below it.
    chdir: PathBuf,
    agent: PathBuf,
    env: BTreeMap<OsString, OsString>,
}

impl Cage {
    /// `lookup`: reads a variable of our own environment.
    pub fn new(run: &Run, home: &Home, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut env: BTreeMap<OsString, OsString> =
            PASSED.iter().filter_map(|name| Some((OsString::from(name), lookup(name)?))).collect();
        if let Some(old) = lookup("HOME").filter(|_| lookup("RUSTUP_HOME").is_none()) {
            let toolchains = Path::new(&old).join(".rustup");
            if toolchains.is_dir() {
                env.insert("RUSTUP_HOME".into(), toolchains.into());
            }
        }
        env.insert("HOME".into(), home.agent().into());
        env.insert(MARK.into(), format!("{}{}", run.mark(), run.attempt).into());
        if run.sandbox.bubblewrap.is_some() {
            env.insert("IS_SANDBOX".into(), "1".into());
            // Inside, scratch space is a fresh /tmp.
            env.remove(std::ffi::OsStr::new("TMPDIR"));
        }
        Self {
            bubblewrap: run.sandbox.bubblewrap.clone(),
            hide: run.sandbox.hide.clone(),
            readable: run.mirrors.iter().cloned().collect(),
            home: home.dir().to_owned(),
            workspace: home.work(),
            chdir: home.work(),
            agent: home.agent(),
            env,
        }
    }

    /// The whole argument list: bubblewrap's, then the program's own.
    pub fn argv(&self, argv: &[String]) -> Vec<OsString> {
        let program = argv.iter().map(OsString::from);
        let Some(bubblewrap) = &self.bubblewrap else { return program.collect() };
        let mut out = Wrap(vec![bubblewrap.into()]);
        out.words(&["--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
        // This order is law: `--dev` before the root leaves /dev/null unwritable and every tool call fails.
        out.words(&["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
        for path in self.hide.iter().chain([&self.home]) {
            out.hide(path);
        }
        for path in &self.readable {
            out.bind("--ro-bind-try", path);
        }
        if let Some(program) = argv.first().map(Path::new).filter(|p| self.covered(p)) {
            out.bind("--ro-bind-try", program);
        }
        out.bind("--bind", &self.workspace);
        out.bind("--bind", &self.agent);
        out.words(&["--chdir"]);
        out.0.push(self.chdir.clone().into());
        out.words(&["--"]);
        out.0.extend(program);
        out.0
    }

    /// Why this program cannot be run; `None` where nothing speaks against it. Bubblewrap would say it in words of
    /// its own, after it has started.
    pub fn cannot_run(&self, program: &str) -> Option<&'static str> {
        let runs = |path: &Path| {
            let meta = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some(std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0)
        };
        let places: Vec<PathBuf> = if program.contains('/') {
            vec![self.chdir.join(program)]
        } else {
            let path = self.env.get(std::ffi::OsStr::new("PATH"))?;
            std::env::split_paths(path).map(|place| place.join(program)).collect()
        };
        let found: Vec<bool> = places.iter().filter_map(|p| runs(p)).collect();
        if found.contains(&true) {
            None
        } else if found.is_empty() {
            Some("was not found")
        } else {
            Some("is no program that may be run")
        }
    }

    /// Whether what runs inside cannot outlive it.
    pub fn is_closed(&self) -> bool {
        self.bubblewrap.is_some()
    }

    fn covered(&self, path: &Path) -> bool {
        let covers = |c: &Path| path.starts_with(c);
        covers(Path::new("/tmp")) || covers(&self.home) || self.hide.iter().any(|h| covers(h))
    }

    /// The same cage around the folder of the checks; what their clone borrows is readable.
    #[must_use]
    pub fn for_checks(&self, folder: PathBuf) -> Self {
        let mut cage = self.clone();
        let work = std::mem::replace(&mut cage.workspace, folder.clone());
        cage.readable.extend([self.home.join("git"), work]);
        cage.chdir = folder;
        cage
    }

    /// A command inside the cage: cleared environment plus `env`, the workspace as its folder, no input, and killed
    /// when its handle is dropped. An empty `argv` gives a command that fails to start.
    pub fn command(&self, argv: &[String], env: &BTreeMap<String, String>) -> tokio::process::Command {
        let argv = self.argv(argv);
        let mut words = argv.iter();
        let mut command =
            tokio::process::Command::new(words.next().map_or_else(Default::default, Clone::clone));
        command.args(words).env_clear().envs(env).envs(&self.env).current_dir(&self.chdir);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// A command in a folder below the cage's own.
    pub fn command_in(&self, folder: &Path, argv: &[String]) -> tokio::process::Command {
        let mut cage = self.clone();
        folder.clone_into(&mut cage.chdir);
        cage.command(argv, &BTreeMap::new())
    }
}

/// An argument list under way.
struct Wrap(Vec<OsString>);

impl Wrap {
    fn words(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn bind(&mut self, how: &str, path: &Path) {
        self.0.extend([how.into(), path.into(), path.into()]);
    }

    /// Covers a folder with an empty one and a file with nothing; what is absent needs no cover.
    fn hide(&mut self, path: &Path) {
        if path.is_dir() {
            self.0.extend(["--tmpfs".into(), path.into()]);
        } else if path.exists() {
            self.0.extend(["--ro-bind".into(), "/dev/null".into(), path.into()]);
        }
    }
}

#[cfg(test)]
mod tests;
