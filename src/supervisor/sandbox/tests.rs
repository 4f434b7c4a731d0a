//! The cage: what it binds, and what it hides.

use super::*;
use crate::supervisor::fixture;

fn cage(bubblewrap: bool, hide: &[&Path]) -> (tempfile::TempDir, Cage) {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).unwrap();
    for folder in ["work", "git", "checks"] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let mut run = fixture::run();
    run.sandbox.bubblewrap = bubblewrap.then(|| "bwrap".into());
    run.sandbox.hide = hide.iter().map(|p| p.to_path_buf()).collect();
    let lookup = |name: &str| match name {
        "PATH" => std::env::var_os("PATH"),
        "SLACK_TOKEN" | "DEVTASK_HTTP__TOKEN" => Some("xoxb-secret".into()),
        _ => None,
    };
    (dir, Cage::new(&run, &home, lookup))
}

fn output(mut command: tokio::process::Command) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(async { command.output().await }).unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn sh(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

fn bwrap_works() -> bool {
    let works =
        std::process::Command::new("bwrap").args(["--ro-bind", "/", "/", "--unshare-pid", "true"]).status();
    let works = works.is_ok_and(|s| s.success());
    if !works {
        eprintln!("skipped: bubblewrap does not work here");
    }
    works
}

#[test]
fn only_what_is_allowed_and_the_mark_pass_into_the_environment() {
    let (dir, cage) = cage(false, &[]);
    let env =
        BTreeMap::from([("OWN".to_owned(), "1".to_owned()), ("HOME".to_owned(), "/elsewhere".to_owned())]);
    let printed = output(cage.command(&["env".to_owned()], &env));
    let mut names: Vec<&str> = printed.lines().filter_map(|l| l.split_once('=').map(|(n, _)| n)).collect();
    names.sort_unstable();
    assert_eq!(names, ["DEVTASK_RUN", "HOME", "OWN", "PATH"]);
    assert!(printed.contains("DEVTASK_RUN=0123456789abcdef/dt-142.1"));
    assert!(printed.contains(&format!("HOME={}", dir.path().join("agent").display())));
}

#[test]
fn secrets_are_in_no_argument_and_the_order_of_mounts_is_kept() {
    let (dir, cage) = cage(true, &[]);
    let argv: Vec<String> = cage.argv(&sh("true")).iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let text = argv.join(" ").replace(&dir.path().display().to_string(), "HOME");
    insta::assert_snapshot!(text, @"bwrap --die-with-parent --unshare-pid --unshare-ipc --unshare-uts --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --tmpfs HOME --bind HOME/work HOME/work --bind HOME/agent HOME/agent --chdir HOME/work -- sh -c true");
}

#[test]
fn inside_the_cage_only_the_workspace_and_the_agents_folder_can_be_written() {
    if !bwrap_works() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "hidden words").unwrap();
    let (dir, cage) = cage(true, &[outside.path()]);
    let script = format!(
        "touch made && touch $HOME/too && echo > /dev/null && echo wrote; touch {0}/run.json {0}/../x 2>/dev/null; \
         cat {1} 2>/dev/null; ls {0}; ls /proc | grep -c '^[0-9]'",
        dir.path().display(),
        secret.display()
    );
    let printed = output(cage.command(&sh(&script), &BTreeMap::new()));
    assert!(
        printed.starts_with("wrote\nagent\nrun.json\nwork\n") || printed.starts_with("wrote\nagent\nwork\n"),
        "{printed}"
    );
    assert!(!printed.contains("hidden words"));
    assert!(dir.path().join("work/made").exists() && dir.path().join("agent/too").exists());
    assert!(!dir.path().join("run.json").exists(), "what it wrote beside went into a folder that is gone");
}

#[test]
fn checks_run_in_their_own_folder_and_may_only_read_the_clone() {
    if !bwrap_works() {
        return;
    }
    let (dir, cage) = cage(true, &[]);
    std::fs::write(dir.path().join("work/file"), "content").unwrap();
    let folder = dir.path().join("checks");
    let script = "cat ../work/file; touch ../work/made 2>/dev/null || echo refused; touch here";
    let printed = output(cage.for_checks(folder.clone()).command_in(&folder, &sh(script)));
    assert_eq!(printed, "contentrefused\n");
    assert!(folder.join("here").exists());
}
