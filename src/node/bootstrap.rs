//! Brings our program onto a machine: found by the machine's kind, put once per version, checked by its sum.
//!
//! It goes over in parts, each of them whole or absent, so that a cut link costs one part; the last step joins them,
//! looks whether the sum is right and whether the program runs, and only then gives it its name. Knows `trait Link` and
//! the far `sh`; must not know how the link is made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use super::ssh::trouble;
use super::{Link, NodeError, Output};

/// Bytes of one part.
const PART: usize = 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(30);
/// A program of ours is never larger.
const LARGEST: u64 = 256 * 1024 * 1024;
/// Machines we build for, as `uname -m` names them.
const KINDS: [&str; 2] = ["x86_64", "aarch64"];

/// `sh -c LOOK devtask CHECKOUT [KIND NAME SUM]…`, in the node's folder.
const LOOK: &str = r#"
LC_ALL=C; export LC_ALL
if [ -n "$1" ] && [ ! -e "$1/.git" ]; then echo 'bare'; fi; shift
kind=$(uname -m); echo "kind $kind"
while [ $# -ge 3 ]; do
  if [ "$1" = "$kind" ]; then
    sum=$(sha256sum <"bin/$2") && [ "${sum%% *}" = "$3" ] && [ -x "bin/$2" ] &&
      [ "$(readlink bin/devtask)" = "$2" ] && echo 'there'
    for part in "bin/.$2"/p.*; do [ -f "$part" ] && echo "part ${part##*/p.}"; done
  fi
  shift 3
done 2>/dev/null
exit 0
"#;

/// `sh -c JOIN devtask NAME SUM VERSION`, in the node's folder. 5: the sum is wrong; 6: it does not run here.
const JOIN: &str = r#"
LC_ALL=C; export LC_ALL; umask 077; cd bin || exit 3
parts=.$1; whole=$parts/whole
cat "$parts"/p.[0-9]* >"$whole" && sum=$(sha256sum <"$whole") || { rm -f -- "$whole"; exit 3; }
if [ "${sum%% *}" != "$2" ]; then rm -rf -- "$parts"; exit 5; fi
chmod 700 "$whole" || exit 3
said=$("./$whole" --version) && [ "$said" = "devtask $3" ] || { echo "it says: $said" >&2; rm -rf -- "$parts"; exit 6; }
rm -f -- "$parts/link" && ln -s "$1" "$parts/link" && mv -f -- "$whole" "$1" && mv -f -- "$parts/link" devtask || exit 3
rm -rf -- "$parts"
for old in devtask-*; do [ "$old" = "$1" ] || rm -f -- "$old"; done
exit 0
"#;

/// Our program for each kind of machine, where it was found.
#[derive(Debug)]
pub struct Binaries {
    folders: Vec<PathBuf>,
    own: Option<PathBuf>,
    known: Mutex<BTreeMap<&'static str, Binary>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Binary {
    path: PathBuf,
    sum: String,
    /// What it is called on the node.
    name: String,
}

impl Binaries {
    /// `folder`: where `devtask-<kind>` lies; else beside the running program. For its own kind of machine the running
    /// program will do, if it needs no library there.
    pub fn new(folder: Option<PathBuf>) -> Self {
        let own = std::env::current_exe().ok();
        let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
        Self { folders: folder.into_iter().chain(beside).collect(), own, known: Mutex::default() }
    }

    /// The kinds of machine our program can be brought to.
    ///
    /// # Errors
    /// A file that is for another kind of machine than its name says.
    pub fn kinds(&self) -> Result<Vec<&'static str>, NodeError> {
        Ok(self.all()?.into_keys().collect())
    }

    /// Those there are; a file that is for another kind of machine than its name says is an error.
    fn all(&self) -> Result<BTreeMap<&'static str, Binary>, NodeError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in KINDS {
            if !known.contains_key(kind)
                && let Some(binary) = self.find(kind)?
            {
                known.insert(kind, binary);
            }
        }
        Ok(known.clone())
    }

    fn find(&self, kind: &'static str) -> Result<Option<Binary>, NodeError> {
        for path in self.folders.iter().map(|folder| folder.join(format!("devtask-{kind}"))) {
            if !path.is_file() {
                continue;
            }
            let bytes = read(&path)?;
            if elf_kind(&bytes) != Some(kind) {
                let why = format!("`{}` is no program for a machine of the kind {kind}", path.display());
                return Err(NodeError::Permanent(why));
            }
            return Ok(Some(Binary::new(path, &bytes)));
        }
        let own = self.own.as_deref().filter(|_| kind == std::env::consts::ARCH);
        let Some((path, bytes)) = own.map(|path| Ok::<_, NodeError>((path, read(path)?))).transpose()? else {
            return Ok(None);
        };
        Ok(is_static(&bytes).then(|| Binary::new(path.to_owned(), &bytes)))
    }
}

impl Binary {
    fn new(path: PathBuf, bytes: &[u8]) -> Self {
        let sum = super::sum(bytes);
        let short = sum.get(..8).unwrap_or_default();
        let name = format!("devtask-{}-{short}", env!("CARGO_PKG_VERSION"));
        Self { path, sum, name }
    }
}

/// What a machine must have beside our program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// A clone that must stand there. A codespace whose image could not be built comes up without it, and looks well.
    pub checkout: Option<PathBuf>,
}

/// Makes sure that `bin/devtask` below the node's folder is this version of our program. Asked again after any error,
/// it goes on where it was cut off.
pub async fn bring(link: &dyn Link, binaries: &Binaries, needs: &Needs) -> Result<(), NodeError> {
    let all = binaries.all()?;
    let seen = look(link, &all, needs).await?;
    if let (true, Some(checkout)) = (seen.bare, &needs.checkout) {
        return Err(NodeError::Permanent(format!(
            "the machine came up without `{}`: its devcontainer most likely could not be built, so that it runs a \
             recovery container; its creation log says why",
            checkout.display()
        )));
    }
    let Some(binary) = all.get(seen.kind.as_str()) else { return Err(unknown_kind(&seen.kind)) };
    if seen.there {
        return Ok(());
    }
    let bytes = read(&binary.path)?;
    for (n, part) in bytes.chunks(PART).enumerate() {
        let name = format!("{n:04}");
        if !seen.parts.contains(&name) {
            link.put(part, Path::new(&format!("bin/.{}/p.{name}", binary.name)), 0o600).await?;
        }
    }
    join(link, binary).await
}

fn unknown_kind(kind: &str) -> NodeError {
    let shown: String = kind.chars().filter(|c| !c.is_control()).take(40).collect();
    let known = KINDS.contains(&kind);
    NodeError::Permanent(if known {
        format!(
            "the machine is of the kind {shown}, and no `devtask-{shown}` lies beside this program or in \
             `nodes.binaries`; `docker/node-binary` builds it"
        )
    } else {
        format!("the machine is of the kind `{shown}`; DevTask runs on {}", KINDS.join(" and "))
    })
}

#[derive(Debug, Default)]
struct Seen {
    kind: String,
    bare: bool,
    there: bool,
    parts: Vec<String>,
}

async fn look(
    link: &dyn Link,
    all: &BTreeMap<&'static str, Binary>,
    needs: &Needs,
) -> Result<Seen, NodeError> {
    let checkout = needs.checkout.as_deref().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    let mut argv = command(LOOK);
    argv.push(checkout);
    for (kind, binary) in all {
        argv.extend([(*kind).to_owned(), binary.name.clone(), binary.sum.clone()]);
    }
    let output = link.exec(&argv, LIMIT).await?;
    let mut seen = Seen::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("kind", kind) => same_kind(kind).clone_into(&mut seen.kind),
            ("bare", _) => seen.bare = true,
            ("there", _) => seen.there = true,
            ("part", name) => seen.parts.push(name.to_owned()),
            _ => {}
        }
    }
    if seen.kind.is_empty() { Err(unexpected("looking at the machine", &output)) } else { Ok(seen) }
}

async fn join(link: &dyn Link, binary: &Binary) -> Result<(), NodeError> {
    let mut argv = command(JOIN);
    argv.extend([binary.name.clone(), binary.sum.clone(), env!("CARGO_PKG_VERSION").to_owned()]);
    let output = link.exec(&argv, LIMIT).await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.code {
        Some(0) => Ok(()),
        Some(3) => Err(trouble::of_put(&said, link.home())),
        Some(6) => Err(NodeError::Permanent(format!(
            "`{}` does not run on the machine: {}",
            binary.name,
            trouble::last_words(&said, "it says nothing")
        ))),
        _ => Err(unexpected("bringing the program", &output)),
    }
}

fn command(script: &str) -> Vec<String> {
    ["sh", "-c", script, "devtask"].map(str::to_owned).to_vec()
}

fn unexpected(what: &str, output: &Output) -> NodeError {
    let said = trouble::last_words(&String::from_utf8_lossy(&output.stderr), "it says nothing");
    NodeError::Transient { why: format!("{what} did not work: {said}"), retry_after: None }
}

/// One name for the kinds that have two.
fn same_kind(kind: &str) -> &str {
    match kind {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, NodeError> {
    let cannot = |why: String| NodeError::Permanent(format!("`{}` cannot be read: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|e| cannot(e.to_string()))?.len();
    if length > LARGEST {
        return Err(cannot("it is far too large".to_owned()));
    }
    std::fs::read(path).map_err(|e| cannot(e.to_string()))
}

/// Which machine a program is for, by the head of its file; 64 bits, little end first.
fn elf_kind(bytes: &[u8]) -> Option<&'static str> {
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    match number(bytes, 18, 2)? {
        62 => Some("x86_64"),
        183 => Some("aarch64"),
        _ => None,
    }
}

/// Whether a program brings everything with it: no part of the file names a loader.
fn is_static(bytes: &[u8]) -> bool {
    const INTERPRETER: u64 = 3;
    let table = || {
        let (at, size, count) = (number(bytes, 32, 8)?, number(bytes, 54, 2)?, number(bytes, 56, 2)?);
        let entry = |n: u64| number(bytes, usize::try_from(at.checked_add(n * size)?).ok()?, 4);
        (0..count).map(entry).collect::<Option<Vec<_>>>()
    };
    elf_kind(bytes).is_some() && table().is_some_and(|kinds| !kinds.contains(&INTERPRETER))
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(length)?)?;
    Some(field.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests;
