//! A box's files and the argument list it is started with.
//!
//! Inside, the one user is `codespace`, whoever runs us: a namespace of users maps it, so that neither root nor a
//! set-up of accounts is needed. Must not know what happens in the box.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Checkout, Image, Settings, place, write};

/// One start of a box.
pub(super) struct Plan {
    /// bubblewrap's arguments, the helper's at their end.
    pub(super) argv: Vec<String>,
    /// Where the SSH server of the box says what it thinks.
    pub(super) log: PathBuf,
}

/// Makes the files that are not there yet and says how the box is started.
pub(super) async fn prepare(
    settings: &Settings,
    sshd: &Path,
    folder: &Path,
    image: &Image,
) -> io::Result<Plan> {
    for sub in ["disk", "home", "box", "bare"] {
        std::fs::create_dir_all(folder.join(sub))?;
    }
    if let Some(checkout) = &image.checkout {
        clone(checkout, &folder.join("disk")).await?;
    }
    let inside = folder.join("box");
    host_key(&inside).await?;
    let user = place::USER;
    write(
        &inside.join("passwd"),
        &format!("root:x:0:0:root:/root:/bin/sh\n{user}:x:1000:1000::{}:/bin/bash\n", place::HOME),
    )?;
    write(&inside.join("group"), &format!("root:x:0:\n{user}:x:1000:\n"))?;
    write(&inside.join("sshd_config"), &sshd_config())?;
    write(&folder.join("home/.bashrc"), if image.noisy { NOISE } else { "" })?;
    commands(&inside.join("bin"), image)?;
    Ok(Plan { argv: argv(settings, sshd, folder, image)?, log: inside.join("sshd.log") })
}

pub(super) fn forget_host_key(folder: &Path) -> io::Result<()> {
    std::fs::remove_file(folder.join("box/host_key"))
}

/// What a proud owner of a shell has in its start-up file.
const NOISE: &str = r#"
for n in 1 2 3 4 5 6 7 8 9; do echo "Welcome to your codespace, tip $n: DEVTASK-LINK is not a tip"; done
printf 'no end of line'; printf 'complaint: nvm is not installed\n' >&2
"#;

async fn host_key(inside: &Path) -> io::Result<()> {
    let key = inside.join("host_key");
    if key.exists() {
        return Ok(());
    }
    let _ = std::fs::remove_file(key.with_extension("pub"));
    let mut command = tokio::process::Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "box", "-f"]).arg(&key).stdin(Stdio::null());
    succeeded("ssh-keygen", &command.output().await?)
}

async fn clone(checkout: &Checkout, disk: &Path) -> io::Result<()> {
    let target = disk.join(&checkout.name);
    if target.exists() {
        return Ok(());
    }
    let part = disk.join(format!(".{}.part", checkout.name));
    let _ = std::fs::remove_dir_all(&part);
    let git = |args: &[&std::ffi::OsStr]| {
        let mut command = tokio::process::Command::new("git");
        command
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null());
        command
    };
    let cloned =
        git(&["clone".as_ref(), "-q".as_ref(), "--".as_ref(), checkout.from.as_ref(), part.as_ref()]);
    succeeded("git clone", &{ cloned }.output().await?)?;
    let named = ["-C".as_ref(), part.as_os_str(), "remote".as_ref(), "set-url".as_ref(), "origin".as_ref()];
    let mut named = git(&named);
    succeeded("git remote", &named.arg(&checkout.origin).output().await?)?;
    std::fs::rename(part, target)
}

pub(super) fn succeeded(what: &str, output: &std::process::Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// As Debian ships it, for one user without passwords. Its door is as narrow as Debian's.
fn sshd_config() -> String {
    let (inside, port) = (place::BOX, place::SSH_PORT);
    format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {inside}/host_key\nPidFile none\n\
         AuthorizedKeysFile {inside}/authorized_keys\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         UsePAM no\nStrictModes no\nMaxStartups 10:30:100\nMaxSessions 10\nPrintMotd no\n\
         SetEnv PATH={inside}/bin:/usr/local/bin:/usr/bin:/bin\n"
    )
}

/// Programs that stand before the system's own.
fn commands(folder: &Path, image: &Image) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let uname = folder.join("uname");
    let Some(kind) = &image.kind else {
        let _ = std::fs::remove_file(uname);
        return Ok(());
    };
    write(&uname, &format!("#!/bin/sh\necho {kind}\n"))?;
    std::fs::set_permissions(uname, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

fn argv(settings: &Settings, sshd: &Path, folder: &Path, image: &Image) -> io::Result<Vec<String>> {
    let mut out = Words::default();
    out.say(&["--die-with-parent", "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"]);
    out.say(&["--hostname", "codespace", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]);
    out.say(&["--ro-bind", "/usr", "/usr"]);
    for name in ["bin", "sbin", "lib", "lib32", "lib64"] {
        let at = Path::new("/").join(name);
        match std::fs::read_link(&at) {
            Ok(to) => out.pair("--symlink", &to, &at)?,
            Err(_) if at.is_dir() => out.pair("--ro-bind", &at, &at)?,
            Err(_) => {}
        }
    }
    out.say(&["--ro-bind", "/etc", "/etc"]);
    for name in ["passwd", "group"] {
        out.pair("--ro-bind", &folder.join("box").join(name), &Path::new("/etc").join(name))?;
    }
    out.say(&[
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--tmpfs",
        "/run",
        "--dir",
        "/run/sshd",
    ]);
    for path in &settings.shown {
        out.pair("--ro-bind-try", path, path)?;
    }
    let inside = |name: &str| Path::new(place::BOX).join(name);
    out.pair("--bind", &folder.join("box"), &inside(""))?;
    out.pair("--bind", &settings.folder.join("out"), &inside("out"))?;
    out.pair("--ro-bind", &settings.program, &inside("devtask"))?;
    out.pair("--bind", &folder.join("home"), Path::new(place::HOME))?;
    let disk = if image.recovery { "bare" } else { "disk" };
    out.pair("--bind", &folder.join(disk), Path::new(place::WORKSPACES))?;
    if let Some(room) = image.room {
        out.say(&["--size", &room.to_string(), "--tmpfs", "/workspaces/.devtask"]);
    }
    out.say(&["--chdir", place::HOME, "--", "/box/devtask", "box-inside"]);
    if image.sshd {
        out.say(&["--sshd", sshd.to_str().unwrap_or_default()]);
    }
    for address in &settings.reach {
        out.say(&["--reach", &address.to_string()]);
    }
    Ok(out.0)
}

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn say(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|w| (*w).to_owned()));
    }

    fn pair(&mut self, how: &str, from: &Path, to: &Path) -> io::Result<()> {
        let text = |path: &Path| {
            let text = path.to_str().map(str::to_owned);
            text.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a path is no UTF-8"))
        };
        self.0.extend([how.to_owned(), text(from)?, text(to)?]);
        Ok(())
    }
}
