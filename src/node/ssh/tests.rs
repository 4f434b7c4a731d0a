//! What arrives at a shell is what was meant, what comes back is read right, and what ssh says is understood.

use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::script::{End, Kept, MAX_OUTPUT};
use super::*;

/// The arguments as a shell of this machine splits the line.
fn arrived(shell: &str, line: &str) -> Vec<String> {
    let show = format!("show() {{ for a in \"$@\"; do printf '%s\\0' \"$a\"; done; }}; show {line}");
    let output = Command::new(shell).args(["-c", &show]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn every_argument_list_arrives_as_it_was(words in prop::collection::vec("([^\0]|['\\\\!$`\"~=*?\n -]){0,12}", 1..6)) {
        let line = quote::line(&words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        for shell in ["sh", "bash"] {
            prop_assert_eq!(&arrived(shell, &line), &words);
        }
    }
}

#[test]
fn a_zero_byte_is_refused_and_quotes_and_backslashes_stay_out_of_quotes() {
    assert_eq!(quote::line(&["a\0b"]), None);
    assert_eq!(quote::line(&["it's a\\b!", "", "plain-1.2/x"]).unwrap(), r"it\'s' 'a\\b\! '' plain-1.2/x");
}

fn kept(chunks: &[&[u8]]) -> Kept {
    let mut kept = Kept::default();
    for chunk in chunks {
        kept.take(chunk);
    }
    kept
}

#[test]
fn an_answer_is_what_stands_between_its_markers() {
    let out = kept(&[b"welcome\nm1 begin\nnot ours? m2 begin", b"\nm2 begin\none\ntwo", b"\nm2 end 7\n"]);
    assert_eq!(out.body("m2"), b"one\ntwo");
    assert_eq!(out.end("m2"), End::Code(Some(7)));
    assert_eq!(kept(&[b"\nm begin\n\nm end 255\n"]).end("m"), End::Code(Some(255)));
    assert_eq!(kept(&[b"\nm begin\n\nm end 137\n"]).end("m"), End::Code(None));
    assert_eq!(kept(&[b"\nm begin\n\nm end absent\n"]).end("m"), End::Absent);
}

#[test]
fn an_answer_that_is_cut_off_has_no_end() {
    let whole = b"\nm begin\nwords\nm end 12\n";
    for length in 0..whole.len() {
        assert_eq!(kept(&[&whole[..length]]).end("m"), End::Unknown, "after {length} bytes");
    }
    assert_eq!(kept(&[b"noise only"]).body("m"), b"");
}

#[test]
fn of_a_flood_the_beginning_and_the_end_are_kept() {
    let mut out = kept(&[b"\nm begin\n"]);
    for _ in 0..100 {
        out.take(&vec![b'x'; 64 * 1024]);
    }
    out.take(b"\nm end 0\n");
    assert_eq!(out.body("m").len(), MAX_OUTPUT);
    assert_eq!(out.end("m"), End::Code(Some(0)));
}

fn target() -> Target {
    Target {
        alias: "fox-1".to_owned(),
        user: "codespace".to_owned(),
        proxy_command: ["gh", "codespace", "ssh", "--stdio", "-c", "fox 100%"].map(str::to_owned).to_vec(),
        env: vec![("GH_TOKEN".to_owned(), SecretString::from("canary-secret"))],
        home: PathBuf::from("/workspaces/.devtask"),
        program: PathBuf::from("/workspaces/.devtask/bin/devtask"),
    }
}

#[test]
fn the_token_is_in_no_argument_and_a_percent_sign_is_one() {
    let (control, known, key) = (Path::new("/s/c/1"), Path::new("/s/known/fox-1"), Path::new("/s/key"));
    let state = options::State { control, known, key };
    let argv = options::master(&Settings::default(), &state, &target(), "mark").unwrap();
    let all = argv.join("\n");
    assert!(!all.contains("canary-secret"), "{all}");
    assert!(!format!("{:?}", target()).contains("canary-secret"));
    assert!(all.contains("ProxyCommand=gh codespace ssh --stdio -c fox' '100'%%'"), "{all}");
    for must in
        ["BatchMode=yes", "LogLevel=ERROR", "StrictHostKeyChecking=accept-new", "ServerAliveInterval=5"]
    {
        assert!(argv.iter().any(|word| word == must), "{must}");
    }
}

#[test]
fn what_ssh_says_is_understood() {
    let known = Path::new("/s/known/fox-1");
    let of = |said: &str| trouble::of_connect(said, &target(), known);
    let changed = of("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.");
    assert!(
        matches!(&changed, NodeError::Permanent(why) if why.contains("another host key") && why.contains("/s/known/fox-1")),
        "{changed}"
    );
    let refused = of("codespace@fox-1: Permission denied (publickey).");
    assert!(matches!(&refused, NodeError::Permanent(why) if why.contains("key")), "{refused}");
    let without = of("error getting ssh server details: failed to start SSH server: none");
    assert!(matches!(&without, NodeError::Permanent(why) if why.contains("sshd:1")), "{without}");
    assert!(matches!(of(""), NodeError::Transient { .. }));
    assert!(trouble::is_crowded("kex_exchange_identification: Connection closed by remote host"));
    assert!(!trouble::is_crowded("Host key verification failed."));
    let full = trouble::of_put("cat: write error: No space left on device", Path::new("/w"));
    assert!(matches!(&full, NodeError::Permanent(why) if why.contains("full")), "{full}");
}

#[tokio::test]
async fn names_that_ssh_would_read_as_something_else_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = Ssh::new(folder.path(), Settings::default(), Clock::system()).unwrap();
    for alias in ["", "-oProxyCommand=x", "a/b", "a%h", "a b", ".."] {
        let bad = Target { alias: alias.to_owned(), ..target() };
        assert!(matches!(ssh.link(bad).map(drop), Err(NodeError::Permanent(_))), "{alias}");
    }
    assert!(ssh.link(target()).is_ok());
    assert_eq!(ssh.key().await.unwrap(), ssh.key().await.unwrap());
    let public = std::fs::read_to_string(folder.path().join("key.pub")).unwrap();
    assert!(public.starts_with("ssh-ed25519 "), "{public}");
}
