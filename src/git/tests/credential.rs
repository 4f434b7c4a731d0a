//! A credential that is lent: who sees it and who does not.

use super::*;

#[tokio::test]
async fn a_lent_credential_is_in_no_argument_and_no_environment_and_only_its_origin_is_told() {
    let yard = Yard::new();
    let git = yard.git().with_program(recorder(&yard));
    let url: RemoteUrl = "https://forge.test/o/n".parse().unwrap();
    let secret = SecretString::from("bot:hunter2-secret".to_owned());
    git.ls_remote(&url, &[], Some(&secret)).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(yard.path(name)).unwrap();
    assert_eq!(read("said"), "bot\nhunter2-secret\n");
    let (args, env) = (read("args"), read("env"));
    assert!(!args.contains("hunter2") && !env.contains("hunter2"));
    let askpass = env.lines().find_map(|l| l.strip_prefix("GIT_ASKPASS=")).unwrap();
    assert!(!Path::new(askpass).exists(), "the pipes go with the command");
    assert!(env.contains("GIT_ALLOW_PROTOCOL=https\n"));
    let remote = args.lines().position(|l| l == "https://forge.test/o/n").unwrap();
    assert_eq!(args.lines().nth(remote - 1), Some("--"));
}

/// A web server that wants a password: what git itself asks for and sends.
#[tokio::test]
async fn git_sends_a_lent_credential_to_a_remote_that_wants_one() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let yard = Yard::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: RemoteUrl = format!("http://{}/o/n", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async move {
        let mut heard = String::new();
        while !heard.contains("uthorization: Basic Ym90OnMzY3JldA==") {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 8192];
            let n = socket.read(&mut buffer).await.unwrap();
            heard.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
            let no = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\
                      Connection: close\r\n\r\n";
            socket.write_all(no.as_bytes()).await.unwrap();
        }
    });
    let secret = SecretString::from("bot:s3cret".to_owned());
    let git = yard.git().with_limit(Duration::from_secs(20));
    let e = git.ls_remote(&url, &[], Some(&secret)).await.unwrap_err();
    assert_eq!(e.failure(), Some(&Failure::Auth), "{e}");
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
}

#[test]
fn a_credential_of_two_lines_is_refused() {
    assert!(Lent::new(&SecretString::from("a:b\nc".to_owned()), "https://x").is_err());
}
