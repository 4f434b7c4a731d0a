//! The configuration: what wins, and how a wrong one is refused.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use devtask::client::Target;
use devtask::config::{Config, ConfigError, Vars};
use devtask::control;
use devtask::domain::Repo;
use devtask::git::RemoteUrl;
use devtask::github::{self, GitHub};
use devtask::slack::settings::Mode;
use secrecy::{ExposeSecret, SecretString};

fn vars(pairs: &[(&str, &str)]) -> Vars {
    let home = [("HOME", "/home/ana")];
    home.iter().chain(pairs).map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

fn read(text: &str, env: &[(&str, &str)], flags: &[(&str, String)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    Config::read(Some(&file), &vars(env), flags)
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let text = "[http]\nlisten = \"127.0.0.1:1\"\n[control]\nslots = 2";
    let env = [("DEVTASK_HTTP__LISTEN", "127.0.0.1:2"), ("DEVTASK_CONTROL__SLOTS", "3")];
    let flags = [("http.listen", "127.0.0.1:3".to_owned())];
    assert_eq!(read("", &[], &[]).unwrap().http.listen, "127.0.0.1:7777");
    assert_eq!(read(text, &[], &[]).unwrap().http.listen, "127.0.0.1:1");
    assert_eq!(read(text, &env, &[]).unwrap().http.listen, "127.0.0.1:2");
    let all = read(text, &env, &flags).unwrap();
    assert_eq!((all.http.listen.as_str(), all.control.slots), ("127.0.0.1:3", 3));
}

#[test]
fn seed_names_are_settings_of_control() {
    let text = "require_tests = true\nmin_coverage = 80\nauto_commit = false\nbranch_pattern = \"x/{task_id}\"\n\
                max_consecutive_failures = 2\nmax_task_duration = 60\nrequire_approval_for = [\"Bash\"]";
    let control = read(text, &[], &[]).unwrap().control;
    assert!(control.policy.require_tests && !control.policy.auto_commit);
    assert_eq!((control.policy.min_coverage, control.limits.max_consecutive_failures), (80, 2));
    assert_eq!((control.limits.max_task_duration, control.branch_pattern.as_str()), (60, "x/{task_id}"));
    assert_eq!(control.require_approval_for, ["Bash"]);
    let env = [("DEVTASK_REQUIRE_APPROVAL_FOR", "Bash,WebFetch"), ("DEVTASK_MIN_COVERAGE", "7")];
    let control = read("", &env, &[]).unwrap().control;
    assert_eq!(control.require_approval_for, ["Bash", "WebFetch"]);
    assert_eq!(control.policy.min_coverage, 7);
}

#[test]
fn slack_comes_from_the_file_or_wholly_from_the_environment() {
    let env = [
        ("DEVTASK_SLACK__BOT_TOKEN", "xoxb-1"),
        ("DEVTASK_SLACK__APP_TOKEN", "xapp-1"),
        ("DEVTASK_SLACK__ADMINS", "U024BE7LH,W012A3CDE"),
        ("DEVTASK_SLACK__REPO", "acme/web"),
    ];
    let slack = read("", &env, &[]).unwrap().slack;
    assert_eq!(
        (slack.mode(), slack.admins.as_slice()),
        (Some(Mode::Socket), ["U024BE7LH", "W012A3CDE"].map(str::to_owned).as_slice())
    );
    assert_eq!((slack.repo.as_deref(), slack.api()), (Some("acme/web"), "https://slack.com/api"));
    let text = "[slack]\nbot_token = \"xoxb-1\"\nsigning_secret = \"s\"";
    assert_eq!(read(text, &[], &[]).unwrap().slack.mode(), Some(Mode::Http));
    assert_eq!(read("", &[], &[]).unwrap().slack.mode(), None);
    let one = [("DEVTASK_SLACK__ADMINS", "U024BE7LH")];
    assert_eq!(read("", &one, &[]).unwrap().slack.admins, ["U024BE7LH"]);
}

#[test]
fn a_word_of_digits_in_the_environment_stays_the_word_it_is() {
    for word in ["12345e10", "0123456789", "1e400", "18446744073709551616", "TRUE", "nan", "-0", "a,b"] {
        let env = [("DEVTASK_SLACK__BOT_TOKEN", word), ("DEVTASK_SLACK__SIGNING_SECRET", word)];
        let slack = read("", &env, &[]).unwrap().slack;
        for secret in [slack.bot_token, slack.signing_secret] {
            assert_eq!(secret.unwrap().expose_secret(), word);
        }
        let github = read("", &[("DEVTASK_GITHUB__TOKEN", word)], &[]).unwrap().github;
        assert_eq!(github.token.unwrap().expose_secret(), word);
        let env = [("DEVTASK_AGENTS__CLAUDE__ENV__LEVEL", word)];
        assert_eq!(read("", &env, &[]).unwrap().control.agents["claude"].env["level"], word);
    }
    let env = [("DEVTASK_CONTROL__SLOTS", "3"), ("DEVTASK_AUTO_COMMIT", "false")];
    let control = read("", &env, &[]).unwrap().control;
    assert_eq!((control.slots, control.policy.auto_commit), (3, false));
    let short = read("", &[("DEVTASK_CONTROL__SLOTS", "3.5")], &[]).unwrap_err().to_string();
    assert!(short.contains("`control.slots`"), "{short}");
}

#[test]
fn an_agent_of_its_own_stands_beside_claude_and_claude_keeps_what_is_not_said() {
    let text = "[agents.sim]\ncommand = [\"devtask\", \"agent-sim\"]\n[agents.claude.env]\nA = \"1\"";
    let agents = read(text, &[], &[]).unwrap().control.agents;
    assert_eq!(agents["sim"].command, ["devtask", "agent-sim"]);
    assert_eq!(
        (agents["claude"].command.as_slice(), agents["claude"].env["A"].as_str()),
        (["claude".to_owned()].as_slice(), "1")
    );
}

#[test]
fn other_variables_of_ours_are_no_settings() {
    let env = [("DEVTASK_LOG", "debug"), ("DEVTASK_SERVER", "http://h"), ("DEVTASK_DATA_DIR", "/x")];
    read("", &env, &[]).unwrap();
}

#[test]
fn data_lies_where_xdg_says() {
    let none = Path::new("/nowhere");
    assert_eq!(read("", &[], &[]).unwrap().data_dir, PathBuf::from("/home/ana/.local/share/devtask"));
    let xdg = [("XDG_DATA_HOME", "/d")];
    assert_eq!(read("", &xdg, &[]).unwrap().data_dir, PathBuf::from("/d/devtask"));
    assert_eq!(read("data_dir = \"/e\"", &xdg, &[]).unwrap().data_dir, PathBuf::from("/e"));
    assert!(matches!(Config::read(None, &Vars::new(), &[]), Err(ConfigError::NoHome)));
    assert!(matches!(Config::read(Some(none), &vars(&[]), &[]), Err(ConfigError::Read { .. })));
    Config::read(None, &vars(&[]), &[]).unwrap();
}

#[test]
fn a_wrong_configuration_is_refused_by_key_and_place() {
    let files = [
        "[http]\nlistn = \"127.0.0.1:1\"",
        "requir_tests = true",
        "colour = 1",
        "[htpp]\nlisten = \"x\"",
        "[http]\nlisten = \"localhost\"",
        "[http]\nlisten = \"0.0.0.0:7777\"",
        "[http]\nallowed_hosts = [\"http://x\"]",
        "[http]\nallow_remote = \"perhaps\"",
        "[control]\nslots = \"many\"",
        "[control]\nslots = -1",
        "[control]\nslots = 0",
        "[control.limits]\nhold_for = 1",
        "[agents.x]\ncomand = [\"x\"]",
        "[agents.x]\n",
        "[control]\nagent = \"y\"",
        "branch_pattern = \"devtask\"",
        "min_coverage = 300",
        "[slack]\nbot_token = \"xoxb-1\"",
        "[slack]\napp_token = \"xapp-1\"",
        "[slack]\nbot_tokn = \"xoxb-1\"",
        "[slack]\nadmins = [\"@ana\"]",
        "[slack]\nrepo = \"web\"",
        "[slack]\napi_url = \"https://ana:pw@slack.example.com/api\"",
        "[nodes.docker]",
        "[nodes.codespaces]\nidle_timeout_minutes = 300",
        "[nodes.codespaces]\nretention_minutes = 50000",
        "[nodes.codespaces]\ngh = []",
        "[nodes.codespaces]\nhome = \"work\"",
        "[nodes.codespaces]\nidentities = [{ name = \"ana\" }]",
        "[nodes.codespaces]\nidentities = [{ name = \"ana\", gh = true, token = \"t\" }]",
        "[nodes.codespaces]\nidentities = [{ name = \"ana\", gh = true }, { name = \"ana\", gh = true }]",
        "[nodes.codespaces]\ndefault_identity = \"bo\"",
        "[http\n",
    ];
    let mut table = String::new();
    let mut tell = |what: &str, error: ConfigError| {
        let text = error.to_string();
        let text =
            text.split_once("config.toml: ").map_or(text.clone(), |(_, t)| format!("config.toml: {t}"));
        writeln!(table, "{what}\n    {}", text.replace('\n', "\n    ")).unwrap();
        if let Some(hint) = error.hint() {
            writeln!(table, "    hint: {hint}").unwrap();
        }
    };
    for text in files {
        tell(&text.replace('\n', " "), read(text, &[], &[]).unwrap_err());
    }
    tell("DEVTASK_HTTP__LISTN", read("", &[("DEVTASK_HTTP__LISTN", "x")], &[]).unwrap_err());
    tell("DEVTASK_CONTROL__SLOTS", read("", &[("DEVTASK_CONTROL__SLOTS", "many")], &[]).unwrap_err());
    tell("DEVTASK_SLACK__ADMINS", read("", &[("DEVTASK_SLACK__ADMINS", "U024,ana")], &[]).unwrap_err());
    tell("--listen", read("", &[], &[("http.listen", "nine".to_owned())]).unwrap_err());
    insta::assert_snapshot!("wrong_configurations", table);
}

#[test]
fn a_token_is_shown_by_no_setting_and_no_complaint() {
    const TOKEN: &str = "ghp_0123456789";
    const SLACK: &str = "0123456789abcdef";
    let file = format!("[github]\ntoken = \"{TOKEN}\"\n[agents.claude.env]\nKEY = \"{TOKEN}\"");
    for config in [read(&file, &[], &[]), read("", &[("DEVTASK_GITHUB__TOKEN", TOKEN)], &[])] {
        let config = config.unwrap();
        assert_eq!(config.github.token.as_ref().unwrap().expose_secret(), TOKEN);
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains(TOKEN), "{shown}");
    }
    let token = devtask::http::Token::new(&SecretString::from(TOKEN));
    assert_eq!(format!("{token:?}"), "Token(…)");

    let file =
        format!("[slack]\nbot_token = \"{SLACK}\"\napp_token = \"{SLACK}\"\nsigning_secret = \"{SLACK}\"");
    let env = [("DEVTASK_SLACK__BOT_TOKEN", SLACK), ("DEVTASK_SLACK__SIGNING_SECRET", SLACK)];
    for config in [read(&file, &[], &[]), read("", &env, &[])] {
        let config = config.unwrap();
        assert_eq!(config.slack.bot_token.as_ref().unwrap().expose_secret(), SLACK);
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains(SLACK), "{shown}");
    }

    let broken = [
        "token = TOKEN",
        "token = \"TOKEN",
        "token = [\"TOKEN\"]",
        "token.of = \"TOKEN\"",
        "tokn = \"TOKEN\"",
    ];
    for line in broken {
        for section in ["github", "slack"] {
            let line = if section == "slack" { line.replace("token", "bot_token") } else { line.to_owned() };
            let text = format!("[{section}]\n{}", line.replace("TOKEN", TOKEN));
            let error = read(&text, &[], &[]).unwrap_err();
            let shown = format!("{error} {error:?} {:?}", error.hint());
            assert!(!shown.contains(TOKEN), "{section} {line}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_password_in_an_address_is_shown_by_no_complaint() {
    let address = "https://ana:ghp_0123456789@github.com/acme/shop.git";
    let settings = github::Settings { api_url: address.to_owned(), ..github::Settings::default() };
    let complaints = [
        address.parse::<Repo>().unwrap_err().to_string(),
        address.parse::<RemoteUrl>().unwrap_err().to_string(),
        address.parse::<Target>().unwrap_err().to_string(),
        GitHub::new(&settings).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(complaints.join("\n"), @r"
    `https://…@github.com/acme/shop.git` names no repository; say `owner/name`, a GitHub address or an absolute path
    `https://…@github.com/acme/shop.git` is no git remote: its host is odd, or it carries a user or password
    `https://…@github.com/acme/shop.git` is no server address; write it like `http://127.0.0.1:7777`
    GitHub's settings: `https://…@github.com/acme/shop.git` is no address for GitHub
    ");
}

#[test]
fn the_example_file_says_what_the_defaults_are() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/devtask.example.toml"));
    let text = text.unwrap();
    let example = read(&text, &[], &[]).unwrap();
    let plain = read("", &[], &[]).unwrap();
    assert_eq!(example.control, control::Settings::default());
    assert_eq!(
        format!("{:?}", (&example.http, &example.nodes)),
        format!("{:?}", (&plain.http, &plain.nodes))
    );
    assert_eq!(
        format!("{:?}", (&example.github, &example.slack)),
        format!("{:?}", (&plain.github, &plain.slack))
    );
    // Commented settings are real ones too.
    for line in text.lines().filter_map(|l| l.strip_prefix("# ")) {
        let Some((name, _)) = line.split_once(" = ").filter(|(n, _)| !n.contains(' ')) else { continue };
        let known =
            ["data_dir", "token", "token_file", "token_env", "bot_token", "app_token", "signing_secret"];
        let nodes = ["default_identity", "machine", "devcontainer_path", "geo", "identities", "binaries"];
        assert!(
            known.contains(&name)
                || ["api_url", "repo", "client_id"].contains(&name)
                || nodes.contains(&name),
            "{line}"
        );
    }
}

#[test]
fn the_example_file_leaves_no_setting_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/devtask.example.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let said: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let plain = read("", &[], &[]).unwrap();
    let control = &plain.control;
    let names = [
        fields(control),
        fields(&control.limits),
        fields(&control.policy),
        fields(&control.author),
        fields(&control.agents["claude"]),
        fields(&plain.http),
        fields(&plain.github),
        fields(&plain.slack),
        fields(&plain.nodes.local),
        vec!["binaries".to_owned()],
        fields(&plain.nodes.codespaces),
        fields(&devtask::node::codespaces::IdentitySettings::default()),
    ];
    // The machine is found out, and the policy's settings stand at the top by their old names.
    let names = names.concat().into_iter().filter(|n| n != "machine" && n != "policy");
    let missing: Vec<String> = names.filter(|name| !said.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "docs/devtask.example.toml does not say {missing:?}");
}

/// The names of a struct's fields, as its `Debug` shows them.
fn fields(of: &impl std::fmt::Debug) -> Vec<String> {
    let shown = format!("{of:#?}");
    let inner = shown.lines().filter_map(|l| l.strip_prefix("    ").filter(|l| !l.starts_with(' ')));
    inner.filter_map(|l| Some(l.split_once(':')?.0.to_owned())).collect()
}
