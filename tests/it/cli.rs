//! What a person at a terminal sees: pages, errors and exit codes, through a real server over a desk.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::fmt::Write as _;
use std::io::BufReader;
use std::path::PathBuf;

use clap::FromArgMatches;
use devtask::cli::args::{Cli, Common, Verb, command};
use devtask::cli::doctor::{self, Check, Finding};
use devtask::cli::talk::{Look, Terminal, Trouble, carry_out};
use devtask::cli::{health, slack};
use devtask::client::{Remote, Target};
use devtask::clock::Clock;
use devtask::config::{Config, Vars};
use devtask::domain::lease::State;
use devtask::domain::session::Input;
use devtask::slack::manifest::{Manifest, Reach};
use devtask::wire::account::AccountView;
use devtask::wire::api::Control;
use devtask::wire::fleet::NodeView;
use insta::assert_snapshot;

use crate::desk::{House, ana};

/// What came out of a verb.
struct Said {
    code: u8,
    data: String,
    talk: String,
}

impl Said {
    /// Everything a person sees, with what went where.
    fn all(&self) -> String {
        let mut out = self.data.clone();
        for line in self.talk.lines() {
            writeln!(out, "! {line}").unwrap();
        }
        if self.code != 0 {
            writeln!(out, "exit {}", self.code).unwrap();
        }
        out
    }
}

fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(std::iter::once(&"devtask").chain(words))?;
    Cli::from_arg_matches(&matches)
}

/// A verb as Ana types it, at `typed` for what she answers.
async fn at(remote: &Remote, look: Look, typed: Option<&str>, words: &[&str]) -> Said {
    let Cli { common, verb } = parse(words).unwrap_or_else(|e| panic!("{e}"));
    let Common { json, .. } = common;
    let (mut data, mut talk) = (Vec::new(), Vec::new());
    let mut answers = BufReader::new(typed.unwrap_or_default().as_bytes());
    let mut terminal = Terminal {
        data: &mut data,
        talk: &mut talk,
        typed: if typed.is_some() { Some(&mut answers) } else { None },
        piped: || Ok("Add a retry\n\nwith backoff\n".to_owned()),
        called: || Some("Ana".to_owned()),
        here: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        json,
        look,
    };
    let done = carry_out(verb, remote, &ana(), &mut terminal).await;
    let code = match &done {
        Ok(code) => *code,
        Err(trouble) => {
            talk.extend(trouble.text().unwrap_or_default().into_bytes());
            trouble.exit()
        }
    };
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code, data: text(data), talk: text(talk) }
}

impl House {
    fn look(&self) -> Look {
        Look { colour: false, width: 120, now: self.desk.clock.now() }
    }

    async fn type_in(&self, words: &[&str]) -> Said {
        at(&self.remote(), self.look(), None, words).await
    }
}

#[test]
fn the_command_line_makes_sense() {
    command().debug_assert();
}

#[test]
fn the_reference_is_as_published() {
    let mut root = command();
    root.build();
    let mut text = format!("{}\n", root.clone().term_width(100).render_help());
    for verb in root.get_subcommands_mut().filter(|c| !c.is_hide_set()) {
        let help = verb.clone().term_width(100).render_help().to_string();
        writeln!(text, "---- devtask {}\n\n{help}", verb.get_name()).unwrap();
        for inner in verb.get_subcommands() {
            let help = inner.clone().term_width(100).render_help().to_string();
            writeln!(text, "---- devtask {} {}\n\n{help}", verb.get_name(), inner.get_name()).unwrap();
        }
    }
    insta::assert_snapshot!("reference", text);
}

#[tokio::test]
async fn an_empty_house_says_how_to_begin() {
    let house = House::open().await;
    assert_snapshot!(house.type_in(&["list"]).await.all(), @"
    ! there is no session yet
    ! make one with `devtask create --repo PATH --brief TEXT`
    ");
    assert_snapshot!(house.type_in(&["list", "--asks"]).await.all(), @"! nobody waits for an answer");
    assert_snapshot!(house.type_in(&["list", "--status", "failed"]).await.all(), @"! no session fits");
}

#[tokio::test]
async fn sessions_in_every_state_are_one_table() {
    let house = House::open().await;
    let desk = &house.desk;
    let ids: Vec<_> =
        ["Add a retry", "Fix the login that fails for names with umlauts and quotes", "Old", "Held", "New"]
            .map(|t| desk.make(t))
            .into();
    desk.run(ids[0]);
    desk.finish(ids[0]);
    desk.run(ids[1]);
    desk.ask(ids[1]);
    desk.say(ids[2], Input::Cancel { by: ana(), reason: None }).unwrap();
    desk.say(ids[3], Input::Pause { by: ana(), reason: None }).unwrap();
    insta::assert_snapshot!("list", house.type_in(&["list"]).await.all());
    insta::assert_snapshot!("list_asks", house.type_in(&["list", "--asks"]).await.all());
    assert_snapshot!(house.type_in(&["list", "--limit", "1", "--owner", "ana"]).await.all(), @"
    SESSION  STATUS              BRIEF  REPO      OWNER  AGE
    dt-5     queued  1. in line  New    acme/web  ana    18 s
    ! more with `--cursor 5`
    ");
    let json = house.type_in(&["list", "--json"]).await.data;
    assert_eq!(json.lines().count(), 5, "one object a line");
    for line in json.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[tokio::test]
async fn nodes_are_one_table_with_what_each_has_cost() {
    let house = House::open().await;
    assert_snapshot!(house.type_in(&["nodes"]).await.all(), @"! there is no node");
    let node = |session: Option<u32>, state, cost| NodeView {
        node_id: Some("ana/fluffy-space-train".to_owned()),
        key: format!("0a1b2c3d-{}-1", session.unwrap_or(77)),
        provider: "codespaces".to_owned(),
        state,
        session: session.and_then(devtask::domain::SessionId::new),
        owner: session.map(|_| "person:slack/U0ANA".to_owned()),
        created_at: house.desk.clock.now() - chrono::TimeDelta::minutes(90),
        up_seconds: 5_400,
        cost_micro_usd: cost,
        notice: session.map(|_| "it was stopped, because the spending limit is reached".to_owned()),
        trouble: None,
    };
    *house.desk.nodes.lock().unwrap() =
        vec![node(Some(142), Some(State::Suspended), Some(270_000)), node(None, None, None)];
    assert_snapshot!(house.type_in(&["nodes"]).await.all(), @"
    SESSION  STATE      PROVIDER    NODE                    OWNER  AGE  COST
    dt-142   suspended  codespaces  ana/fluffy-space-train  U0ANA  1 h  ~$0.27
    –        stray      codespaces  ana/fluffy-space-train  –      1 h  –
    ! dt-142: it was stopped, because the spending limit is reached
    ! 0a1b2c3d-77-1: belongs to no session; it goes after a grace time, once its work is safe
    ");
    assert_eq!(house.type_in(&["nodes", "--json"]).await.data.lines().count(), 2);
}

#[tokio::test]
async fn linking_shows_a_code_and_waits_until_it_is_typed() {
    let house = House::open().await;
    assert_snapshot!(house.type_in(&["link", "--show"]).await.all(), @"! you are not linked: your sessions run and publish in DevTask's own name");
    let decided = async |view: AccountView| {
        *house.desk.account.lock().unwrap() = AccountView::Unlinked;
        let typed = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            *house.desk.account.lock().unwrap() = view;
        };
        tokio::join!(house.type_in(&["link"]), typed).0.all()
    };
    let ana = AccountView::Linked { login: "ana-on-the-forge".to_owned(), since: house.desk.clock.now() };
    assert_snapshot!(decided(ana).await, @"
    WDJB-MJHT
    ! open https://github.com/login/device and type
    ! waiting for you …
    ! you are ana-on-the-forge: your sessions run and publish in your name
    ");
    let refused = AccountView::Refused { why: "the code was not typed in time".to_owned() };
    assert_snapshot!(decided(refused).await, @"
    WDJB-MJHT
    ! open https://github.com/login/device and type
    ! waiting for you …
    ! that did not work: the code was not typed in time
    exit 10
    ");
    assert_snapshot!(house.type_in(&["link", "--remove"]).await.all(), @"! you are not linked: your sessions run and publish in DevTask's own name");
    assert_snapshot!(house.type_in(&["link", "--token-file", "github.token"]).await.all(), @"! you are ana-on-the-forge: your sessions run and publish in your name");
    assert_snapshot!(house.type_in(&["link", "--json"]).await.all(), @r#"{"state":"linked","login":"ana-on-the-forge","since":"2026-03-02T09:00:00Z"}"#);
    assert_eq!(parse(&["link", "--show", "--remove"]).unwrap_err().exit_code(), 2);
}

#[tokio::test]
async fn one_screen_tells_all_of_a_session() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    let mut pages = String::new();
    let mut page = async |what: &str| {
        let said = house.type_in(&["show", "1"]).await;
        writeln!(pages, "---- {what}\n{}", said.all()).unwrap();
    };
    page("queued").await;
    house.desk.run(id);
    page("running").await;
    house.desk.ask(id);
    page("asks").await;
    house.desk.finish_after_answer(id);
    page("done").await;
    insta::assert_snapshot!("show", pages);
}

#[tokio::test]
async fn the_log_reads_as_a_story() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    house.desk.run(id);
    house.desk.ask(id);
    house.desk.finish_after_answer(id);
    insta::assert_snapshot!("logs", house.type_in(&["logs", "1", "-f"]).await.all());
    let raw = house.type_in(&["logs", "1", "--json", "--after", "3"]).await.data;
    let seqs: Vec<u64> = raw
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["seq"].as_u64().unwrap())
        .collect();
    let head = house.desk.show(id).await.unwrap().head;
    assert_eq!(seqs, (4..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_log_without_follow_ends_while_the_session_runs() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    house.desk.run(id);
    let said = house.type_in(&["logs", "1", "--after", "8"]).await;
    assert_snapshot!(said.all(), @"
    09:00:04  agent     I will add a retry with backoff.
    09:00:05  tool      Bash  cargo test
    ");
    assert_eq!(house.type_in(&["logs", "1", "--after", "99"]).await.all(), "");
}

#[tokio::test]
async fn an_agent_cannot_reach_the_terminal_behind_its_words() {
    let house = House::open().await;
    let id = house.desk.make("Add \u{1b}]0;owned\u{7} a \u{202e}retry");
    house.desk.run(id);
    let text = "\u{1b}[2J\u{1b}[31mcleared\r\nsecond\u{9b}31m".to_owned();
    house.desk.report(id, [devtask::domain::report::Report::Message { text }]);
    for words in [["show", "1"], ["logs", "1"]] {
        let said = house.type_in(&words).await.all();
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
        assert!(!said.contains('\u{202e}'));
    }
    let logs = house.type_in(&["logs", "1"]).await.data;
    assert!(logs.contains("\u{fffd}[31mcleared\n                    second"), "{logs}");
}

#[tokio::test]
async fn a_session_is_made_from_the_command_line() {
    let house = House::open().await;
    let words = [
        "create",
        "--repo",
        "acme/web",
        "--brief",
        "-",
        "--check",
        "npm test",
        "--label",
        "api",
        "--plan",
        "--priority",
        "-3",
        "--base",
        "main",
        "--agent",
        "sim",
        "--provider",
        "docker",
        "--model",
        "haiku",
        "--idempotency-key",
        "k",
    ];
    assert_snapshot!(house.type_in(&words).await.all(), @"
    dt-1  queued, 1. in line  Add a retry
    ! follow it with `devtask logs 1 -f`
    ");
    assert_eq!(house.type_in(&words).await.data.split(' ').next(), Some("dt-1"), "the same key");
    let view = house.desk.show("1".parse().unwrap()).await.unwrap();
    assert_eq!(view.brief.goal, "Add a retry\n\nwith backoff");
    assert_eq!(
        (view.brief.checks, view.labels, view.priority),
        (vec!["npm test".to_owned()], vec!["api".to_owned()], -3)
    );
    assert_eq!((view.provider.as_str(), view.agent.as_str()), ("docker", "sim"));
    assert_eq!(view.owner, "person:local/ana");
    house.type_in(&["create", "--brief", "@Cargo.toml", "--repo", "src/.."]).await;
    let view = house.desk.show("2".parse().unwrap()).await.unwrap();
    assert_eq!(PathBuf::from(view.repo), PathBuf::from(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap());
    assert!(view.brief.goal.starts_with("[package]"));
}

#[tokio::test]
async fn asks_are_answered_by_flags_and_by_talking() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    house.desk.run(id);
    house.desk.ask(id);
    let mut out = String::new();
    let mut tell = |words: &str, said: &Said| writeln!(out, "$ devtask {words}\n{}", said.all()).unwrap();
    for words in [
        "answer 1",
        "answer 7",
        "answer 1 --option 1",
        "answer 1 --option 9 --option 1",
        "answer 1 --option 1,2 --option 1",
        "answer 1 --decide allow",
        "answer 1 --option 1 --option 1,2",
        "answer dt-1:toolu_1 --decide agent",
        "answer",
    ] {
        let said = house.type_in(&words.split(' ').collect::<Vec<_>>()).await;
        tell(words, &said);
    }
    let other = house.desk.make("Another");
    house.desk.run(other);
    house.desk.ask(other);
    let typed = "\n9\n2\nonly those of the gateway\n";
    let said = at(&house.remote(), house.look(), Some(typed), &["answer"]).await;
    tell("answer    (typed)", &said);
    insta::assert_snapshot!("answers", out);
    let log = house.type_in(&["logs", "2"]).await.data;
    assert!(log.contains("by ana: Five · only those of the gateway"), "{log}");
}

#[tokio::test]
async fn verbs_tell_how_the_session_stands_and_refusals_what_to_do() {
    let house = House::open().await;
    house.desk.make("Add a retry");
    let mut out = String::new();
    for words in [
        vec!["pause", "1", "--reason", "lunch"],
        vec!["pause", "1"],
        vec!["resume", "dt-1"],
        vec!["message", "1", "And a test"],
        vec!["message", "1", " "],
        vec!["cancel", "1"],
        vec!["message", "1", "hello"],
        vec!["rerun", "1"],
        vec!["show", "9"],
        vec!["create", "--brief", "x", "--repo", "./nowhere"],
        vec!["create", "--brief", "@nowhere"],
        vec!["create", "--brief", " ", "--repo", "a/b"],
    ] {
        let said = house.type_in(&words).await;
        writeln!(out, "$ devtask {}\n{}", words.join(" "), said.all()).unwrap();
    }
    insta::assert_snapshot!("verbs", out);
}

#[tokio::test]
async fn wait_tells_by_its_exit_code() {
    let house = House::open().await;
    let desk = &house.desk;
    let [done, cancelled, asks, late, failed] = ["a", "b", "c", "d", "e"].map(|t| desk.make(t));
    desk.run(done);
    let (said, ()) = tokio::join!(house.type_in(&["wait", "1", "--timeout", "1m"]), async {
        tokio::task::yield_now().await;
        desk.finish(done);
    });
    assert_snapshot!(said.all(), @"dt-1  done, #12  a");
    desk.say(cancelled, Input::Cancel { by: ana(), reason: None }).unwrap();
    assert_snapshot!(house.type_in(&["wait", "2"]).await.all(), @"
    dt-2  cancelled  b
    exit 11
    ");
    desk.run(asks);
    desk.ask(asks);
    assert_snapshot!(house.type_in(&["wait", "3"]).await.all(), @"
    dt-3  running, needs an answer  c
    ! answer with `devtask answer 3`
    exit 12
    ");
    assert_snapshot!(house.type_in(&["wait", &late.to_string(), "--timeout", "0s"]).await.all(), @"
    ! dt-4 is still queued, 1. in line
    exit 124
    ");
    desk.run(failed);
    let cause = "the model refused".to_owned();
    let retry = devtask::domain::report::Retry::No;
    let how = devtask::domain::report::Ending::Failed { cause, retry };
    desk.report(failed, [devtask::domain::report::Report::Ended { how }]);
    assert_snapshot!(house.type_in(&["wait", "5"]).await.all(), @"
    dt-5  failed  e
    ! the model refused
    ! more with `devtask show 5`
    exit 10
    ");
}

#[tokio::test]
async fn without_a_server_or_a_token_one_is_told_what_to_do() {
    let house = House::open().await;
    let look = house.look();
    let nobody = Remote::new(Target::Socket("/nowhere/devtask.sock".into()), None, Clock::system());
    assert_snapshot!(at(&nobody, look, None, &["list"]).await.all(), @"
    ! error: no DevTask answers at /nowhere/devtask.sock
    ! hint: start it with `devtask serve`
    exit 69
    ");
    let url: Target = format!("http://{}", house.address).parse().unwrap();
    let stranger = Remote::new(url, None, Clock::system());
    assert_snapshot!(at(&stranger, look, None, &["list"]).await.all(), @"
    ! error: the request carries no valid token
    ! hint: set DEVTASK_TOKEN to what the server's token file holds
    exit 4
    ");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let gone = Trouble::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    assert_eq!((gone.exit(), gone.text()), (0, None));
}

#[test]
fn wrong_words_are_usage_errors() {
    for words in [
        &["show", "abc"][..],
        &["wait", "1", "--timeout", "soon"],
        &["list", "--status", "sleeping"],
        &["answer", "1", "--option", "1", "--text", "x"],
        &["show", "1", "--server", "nowhere"],
        &["create"],
    ] {
        assert_eq!(parse(words).unwrap_err().exit_code(), 2, "{words:?}");
    }
}

/// A terminal where nobody sits.
pub fn terminal<'a>(data: &'a mut Vec<u8>, talk: &'a mut Vec<u8>) -> Terminal<'a> {
    Terminal {
        data,
        talk,
        typed: None,
        piped: || Ok(String::new()),
        called: || Some("Ana".to_owned()),
        here: PathBuf::from("/"),
        json: false,
        look: Look { colour: false, width: 100, now: crate::desk::morning() },
    }
}

#[tokio::test]
async fn doctor_names_what_mends_it() {
    let mut data = Vec::new();
    let mut talk = Vec::new();
    let checks = || {
        vec![
            Check::new("git", async { Finding::ok("git version 2.47.0") }),
            Check::new("bubblewrap", async {
                Finding::warn("`bwrap` was not found", "apt install bubblewrap")
            }),
            Check::new("agent", async { Finding::fail("`claude` was not found", "npm install") }),
        ]
    };
    let mut terminal = terminal(&mut data, &mut talk);
    assert_eq!(doctor::run(checks(), &mut terminal).await.unwrap(), 3);
    terminal.json = true;
    assert_eq!(doctor::run(checks(), &mut terminal).await.unwrap(), 3);
    assert_snapshot!(String::from_utf8(data).unwrap(), @r#"
    ✓ git             git version 2.47.0
    ! bubblewrap      `bwrap` was not found
                      mend: apt install bubblewrap
    ✗ agent           `claude` was not found
                      mend: npm install
    {"found":"git version 2.47.0","mark":"ok","mend":null,"name":"git"}
    {"found":"`bwrap` was not found","mark":"warn","mend":"apt install bubblewrap","name":"bubblewrap"}
    {"found":"`claude` was not found","mark":"fail","mend":"npm install","name":"agent"}
    "#);
}

#[tokio::test]
async fn health_is_one_line_and_an_exit_code() {
    let house = House::open().await;
    let (mut data, mut talk) = (Vec::new(), Vec::new());
    let mut at = terminal(&mut data, &mut talk);
    assert_eq!(health::run(house.remote(), &mut at).await.unwrap(), 0);
    at.json = true;
    assert_eq!(health::run(house.remote(), &mut at).await.unwrap(), 0);
    let nobody = Remote::new(Target::Socket("/nowhere/socket".into()), None, Clock::system());
    assert_eq!(health::run(nobody, &mut at).await.unwrap_err().exit(), 69);
    let version = env!("CARGO_PKG_VERSION");
    let said = String::from_utf8(data).unwrap().replace(version, "0.0.0");
    assert_snapshot!(said, @r#"
    0.0.0 ok
    {"state":"ok","version":"0.0.0"}
    "#);
}

#[test]
fn the_manifest_is_printed_for_either_way_of_reaching_us() {
    let said = |words: &[&str]| {
        let (mut data, mut talk) = (Vec::new(), Vec::new());
        let Cli { common, verb } = parse(words).unwrap();
        let Verb::Slack(verb) = verb else { panic!("{words:?}") };
        let mut at = terminal(&mut data, &mut talk);
        at.json = common.json;
        assert_eq!(slack::run(&verb, &mut at).unwrap(), 0);
        String::from_utf8(data).unwrap()
    };
    // That the files are the same is held where they are made.
    assert_eq!(said(&["slack", "manifest"]), Manifest::new(&Reach::Socket).json().unwrap());
    let address = "https://devtask.example.com/";
    let http = Manifest::new(&Reach::Http(address.parse().unwrap()));
    assert_eq!(said(&["slack", "manifest", "--http", address]), http.json().unwrap());
    let link = said(&["slack", "manifest", "--url"]);
    assert!(link.starts_with("https://api.slack.com/apps?new_app=1&manifest_json=%7B"), "{link}");
    let json: serde_json::Value =
        serde_json::from_str(&said(&["slack", "manifest", "--url", "--json"])).unwrap();
    assert_eq!(json["url"], link.trim());
    assert_eq!(parse(&["slack", "manifest", "--http", "devtask.example.com"]).unwrap_err().exit_code(), 2);
}

#[tokio::test]
async fn doctor_looks_at_the_way_into_codespaces_where_somebody_may_want_one() {
    let home = ("HOME".to_owned(), "/nowhere".to_owned());
    let plain = Config::read(None, &Vars::from([home.clone()]), &[]).unwrap();
    assert!(doctor::codespaces(&plain, "/nowhere").is_none());
    let app = ("DEVTASK_GITHUB__CLIENT_ID".to_owned(), "Iv1.abc".to_owned());
    let linked = Config::read(None, &Vars::from([home, app]), &[]).unwrap();
    let found = doctor::codespaces(&linked, "/nowhere").unwrap().look.await;
    assert_eq!((found.mark, found.found.as_str()), (doctor::Mark::Warn, "`gh` was not found"));
    assert!(found.mend.unwrap().contains("nodes.codespaces.gh"));
}

#[tokio::test]
async fn doctor_looks_at_this_machine() {
    let house = House::open().await;
    let vars = Vars::from([
        ("HOME".to_owned(), house.dir.path().display().to_string()),
        ("PATH".to_owned(), std::env::var("PATH").unwrap()),
    ]);
    let flags = [("data_dir", house.dir.path().display().to_string())];
    let config = Config::read(None, &vars, &flags).unwrap();
    let checks = doctor::checks(Ok(config), Some(house.remote()), &vars);
    let names: Vec<_> = checks.iter().map(|c| c.name).collect();
    assert_eq!(
        names,
        [
            "configuration",
            "git",
            "agent",
            "bubblewrap",
            "data folder",
            "database",
            "forge",
            "slack",
            "server"
        ]
    );
    let mut found = std::collections::BTreeMap::new();
    for check in checks {
        found.insert(check.name, check.look.await);
    }
    for name in ["configuration", "git", "data folder", "database", "server"] {
        assert_eq!(found[name].mark, doctor::Mark::Ok, "{name}: {}", found[name].found);
    }
    assert_eq!(found["forge"].mark, doctor::Mark::Warn);
    let broken = Trouble::setup("config.toml: there is no setting `x`").hint("did you mean `y`?");
    let checks = doctor::checks(Err(broken), None, &vars);
    assert_eq!(checks.len(), 2, "git is looked at all the same");
}
