//! Which checks there are: words, the file, the policy, what is found.

use super::*;

#[test]
fn a_line_is_split_as_a_shell_would_and_shell_signs_are_refused() {
    let words = |line: &str| split(line).map_err(|e| e.to_string());
    assert_eq!(words("cargo test -- --nocapture").unwrap(), ["cargo", "test", "--", "--nocapture"]);
    assert_eq!(words(r#"a 'b c' "d \" e" f\ g '' "#).unwrap(), ["a", "b c", "d \" e", "f g", ""]);
    assert_eq!(words("A=1 B=2 x").unwrap(), ["env", "A=1", "B=2", "x"]);
    assert_eq!(words("sh -c 'a && b'").unwrap(), ["sh", "-c", "a && b"]);
    for bad in ["", "  ", "A=1", "a && b", "a | b", "a; b", "a > b", "a `b`", "a $(b)", "a 'b", "a \"b"] {
        assert!(split(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_file_of_the_documentation_is_understood() {
    let page = include_str!("../../../../docs/checks.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let settings = parse(rest.split_once("```").unwrap().0.as_bytes(), MINUTE).unwrap();
    assert_eq!(settings.setup.len(), 1);
    let kinds: Vec<CheckKind> = settings.checks.iter().map(|c| c.kind).collect();
    let expected = [CheckKind::Format, CheckKind::Build, CheckKind::Lint, CheckKind::Test, CheckKind::Test];
    assert_eq!(kinds, expected);
    assert_eq!(settings.require_tests, Some(true));
}

#[test]
fn every_fault_of_the_file_names_its_key() {
    let said = |text: &str| {
        let e = parse(text.as_bytes(), MINUTE).unwrap_err();
        let why = std::error::Error::source(&e).map(|s| format!(" / {s}")).unwrap_or_default();
        format!("{e}{why}")
    };
    let all = [
        "[chekcs]\ntest='x'",
        "checks = 3",
        "[checks]\ntest = 3",
        "[checks]\ntest = []",
        "[checks]\ntest = 'a && b'",
        "[checks.test]\nrun='x'\ntime=3",
        "[checks.test]\ntimeout=3",
        "[checks.test]\nrun='x'\ntimeout=0",
        "[checks.test]\nrun='x'\nkind='fun'",
        "[setup]\nrun='x'",
        "[setup]\ncommands=['x']",
        "[policy]\nmin_coverage=101",
        "[policy]\nmax_retries=1",
    ]
    .map(said);
    insta::assert_snapshot!(all.join("\n"), @r"
    .devtask.toml has an unknown key `chekcs`; known here are `setup`, `checks` and `policy`
    .devtask.toml: `checks` should be a section
    .devtask.toml: `checks.test` should be a command: a line, or a list of words
    .devtask.toml: `checks.test` should be a command: a line, or a list of words
    .devtask.toml: `checks.test` cannot be run / `a && b` uses the shell's `&`; write it into a script, or say `sh -c '…'`
    .devtask.toml has an unknown key `checks.test.time`; known here are `run`, `timeout` and `kind`
    .devtask.toml: `checks.test.run` should be a command
    .devtask.toml: `checks.test.timeout` should be seconds, from 1 to 86400
    .devtask.toml: `checks.test.kind` should be `build`, `test`, `lint`, `format` or `other`
    .devtask.toml: `setup.run` should be a list of at most 50 commands
    .devtask.toml has an unknown key `setup.commands`; known here are `run` and `timeout`
    .devtask.toml: `policy.min_coverage` should be a percentage
    .devtask.toml has an unknown key `policy.max_retries`; known here are `require_tests`, `min_coverage`, `auto_commit` and `max_consecutive_failures`
    ");
    assert!(parse(&[0xff, 0xfe], MINUTE).is_err() && parse(b"x = [", MINUTE).is_err());
}

fn empty_plan() -> Plan {
    Plan {
        source: "none".into(),
        setup: Vec::new(),
        checks: Vec::new(),
        policy: Policy::default(),
        max_consecutive_failures: 5,
        notes: Vec::new(),
    }
}

#[test]
fn a_repository_makes_the_policy_stricter_and_never_looser() {
    let mut plan = empty_plan();
    plan.policy = Policy { require_tests: true, min_coverage: 50, auto_commit: true };
    let text =
        "[policy]\nrequire_tests=false\nmin_coverage=40\nauto_commit=false\nmax_consecutive_failures=9";
    parse(text.as_bytes(), MINUTE).unwrap().tighten(&mut plan);
    assert_eq!(plan.policy, Policy { require_tests: true, min_coverage: 50, auto_commit: false });
    assert_eq!((plan.max_consecutive_failures, plan.notes.len()), (5, 3));
    parse(b"[policy]\nmin_coverage=80\nmax_consecutive_failures=2", MINUTE).unwrap().tighten(&mut plan);
    assert_eq!((plan.policy.min_coverage, plan.max_consecutive_failures), (80, 2));
}

#[test]
fn detection_runs_what_the_repository_opted_into() {
    let said = |files: &[(&'static str, &str)]| {
        let files: BTreeMap<_, _> = files.iter().map(|(n, t)| (*n, t.as_bytes().to_vec())).collect();
        detect(&files).map_or("nothing".to_owned(), |f| {
            format!("{}: {}", f.file, f.setup.into_iter().chain(f.lines).collect::<Vec<_>>().join(", "))
        })
    };
    let all = [
        said(&[("Cargo.toml", "")]),
        said(&[("Cargo.toml", ""), (".rustfmt.toml", ""), ("clippy.toml", ""), (".config/nextest.toml", "")]),
        said(&[
            ("package.json", r#"{"scripts":{"test":"jest","lint":"eslint .","dev":"x"}}"#),
            ("package-lock.json", ""),
        ]),
        said(&[("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#)]),
        said(&[("package.json", "{oops"), ("justfile", "test *args: build\n  x\nlint:\n  y\ntesting:\n")]),
        said(&[("Makefile", "CC := test\ntest:: all\n\tx\n.PHONY: lint\n")]),
        said(&[("pyproject.toml", "[tool.pytest.ini_options]\n[tool.ruff]\n"), ("uv.lock", "")]),
        said(&[("go.mod", "module x")]),
        said(&[]),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    Cargo.toml: cargo build --workspace --all-targets, cargo test --workspace
    Cargo.toml: cargo fmt --all --check, cargo build --workspace --all-targets, cargo clippy --workspace --all-targets, cargo nextest run --workspace
    package.json: npm ci, npm run lint, npm run test
    nothing
    justfile: just lint, just test
    Makefile: make test
    pyproject.toml: uv run ruff check ., uv run pytest
    go.mod: go build ./..., go vet ./..., go test ./...
    nothing
    ");
}

#[tokio::test]
async fn settings_are_read_from_the_base_and_never_from_what_the_agent_wrote() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    write(&repo, ".devtask.toml", "[checks]\ntest = 'sh test.sh'\n");
    commit(&repo, "settings");
    let w = workspace(&yard, &repo).await;
    write(&w.path(), ".devtask.toml", "[checks]\ntest = 'true'\n");
    w.commit_all("make it easy").await.unwrap();
    let mut given = attempt(&repo, 1);
    let planned = plan(&given, &w).await.unwrap();
    assert_eq!(planned.source, ".devtask.toml");
    assert_eq!(planned.checks[0].line, "sh test.sh");
    given.new.brief.checks = vec!["sh other.sh".into()];
    let planned = plan(&given, &w).await.unwrap();
    assert_eq!((planned.source.as_str(), planned.checks[0].line.as_str()), ("the brief", "sh other.sh"));
}

#[tokio::test]
async fn a_file_that_is_not_understood_is_noted_and_not_obeyed() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    write(&repo, ".devtask.toml", "[checks]\ntest = 'a | b'\n");
    commit(&repo, "settings");
    let planned = plan(&attempt(&repo, 1), &workspace(&yard, &repo).await).await.unwrap();
    assert_eq!((planned.source.as_str(), planned.checks.len()), ("none", 0));
    assert!(planned.notes[0].contains("checks.test"), "{:?}", planned.notes);
}
