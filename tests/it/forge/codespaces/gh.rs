//! GitHub's own command line on the local forge: what it takes for GitHub is a GitHub.

use std::time::Duration;

use devtask::clock::Clock;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::process::Command;

use super::world::Still;
use crate::figures;

const WITHIN: Duration = Duration::from_secs(20);

/// Runs `gh codespace …`; what it printed. Whatever it keeps, it keeps in the test's folder.
async fn gh(still: &Still, program: &str, args: &[&str]) -> String {
    let home = still.world.dir.path().join("gh");
    let mut gh = Command::new(program);
    gh.arg("codespace").args(args).env_clear().env("HOME", &home).env("GH_CONFIG_DIR", &home);
    gh.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    gh.env("GITHUB_API_URL", still.world.forge.api_url()).env("GITHUB_SERVER_URL", still.world.forge.url());
    gh.env("GH_ENTERPRISE_TOKEN", still.world.token.expose_secret());
    gh.env("GH_PROMPT_DISABLED", "1").env("NO_COLOR", "1").env("GH_NO_UPDATE_NOTIFIER", "1");
    let out = tokio::time::timeout(WITHIN, gh.kill_on_drop(true).output()).await.expect("gh hangs").unwrap();
    let calls: Vec<_> = still.world.forge.calls().calls.into_iter().collect();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "gh {args:?}: {said}\n{calls:#?}");
    String::from_utf8(out.stdout).unwrap()
}

async fn reaches(still: &Still, name: &str, state: &str) {
    let there = |all: &[devtask::workbench::forge::codespaces::Codespace]| {
        all.iter().any(|c| c.name == name && c.state() == state)
    };
    let all = still.codespaces().until(WITHIN, there).await;
    assert!(there(&all), "{name} never was {state}: {all:?}");
}

#[tokio::test]
async fn githubs_own_client_takes_it_for_github() {
    let Ok(program) = std::env::var("DEVTASK_GH") else {
        return figures::skipped("GitHub's own client: DEVTASK_GH does not name it");
    };
    let still = Still::with(Clock::system()).await;
    let create = [
        "create",
        "-R",
        "acme/app",
        "-b",
        "trunk",
        "-m",
        "basicLinux32gb",
        "-d",
        "dt-1a2b-7-1",
        "--idle-timeout",
        "30m",
        "--retention-period",
        "24h",
        "--default-permissions",
        "--devcontainer-path",
        ".devcontainer/devcontainer.json",
    ];
    let name = gh(&still, &program, &create).await.trim().to_owned();
    assert!(name.starts_with("dt-1a2b-7-1-"), "{name}");
    reaches(&still, &name, "Available").await;
    tokio::time::timeout(WITHIN, async {
        while still.listed().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("a list that lags learns of it in the end");

    let fields = "name,displayName,state,repository,machineName,owner,gitStatus";
    let list: Value = serde_json::from_str(&gh(&still, &program, &["list", "--json", fields]).await).unwrap();
    insta::assert_json_snapshot!("gh_list", list, { "[].name" => "NAME" });
    let fields = "displayName,state,idleTimeoutMinutes,retentionPeriodDays,machineDisplayName,devcontainerPath,location";
    let view = gh(&still, &program, &["view", "-c", &name, "--json", fields]).await;
    insta::assert_json_snapshot!("gh_view", serde_json::from_str::<Value>(&view).unwrap());

    gh(&still, &program, &["stop", "-c", &name]).await;
    reaches(&still, &name, "Shutdown").await;
    gh(&still, &program, &["delete", "-c", &name, "-f"]).await;
    let all = still.codespaces().until(WITHIN, <[_]>::is_empty).await;
    assert!(all.is_empty(), "{all:?}");
}
