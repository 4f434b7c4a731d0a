//! A server that must not start: two on one folder, and a configuration that makes no sense.

use insta::assert_snapshot;

use super::house::{House, at_home, plain, said};

#[tokio::test]
async fn a_second_server_on_the_same_folder_leaves_and_the_first_goes_on() {
    let house = House::open().await;
    assert_snapshot!(house.types(&["serve"]).await, @"
    ! error: `<dir>/data`: another DevTask uses this data folder
    ! hint: stop the other one, or name another folder with `--data-dir`
    exit 3
    ");
    assert_snapshot!(house.types(&["serve", "--listen", "127.0.0.1:0"]).await, @"
    ! error: `<dir>/data`: another DevTask uses this data folder
    ! hint: stop the other one, or name another folder with `--data-dir`
    exit 3
    ");
    house.still_works().await;
}

#[test]
fn a_broken_configuration_is_refused_by_file_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let tell = |text: &str, words: &[&str]| {
        std::fs::write(dir.path().join("devtask.toml"), text).unwrap();
        plain(&said(&at_home(dir.path()).args(words).output().unwrap()), dir.path())
    };
    assert_snapshot!(tell("[control]\nslotz = 3\n", &["serve"]), @"
    ! error: <dir>/devtask.toml: there is no setting `control.slotz`
    ! hint: did you mean `slots`?
    exit 3
    ");
    assert_snapshot!(tell("[control]\nslots = \"many\"\n", &["serve"]), @r#"
    ! error: <dir>/devtask.toml: `control.slots`: this is string "many", and an integer is wanted
    exit 3
    "#);
    assert_snapshot!(tell("[control\nslots = 3\n", &["serve"]), @"
    ! error: <dir>/devtask.toml: TOML parse error at line 1, column 9: unclosed table, expected `]`
    exit 3
    ");
    assert_snapshot!(tell("[control]\nagent = \"gpt\"\n", &["serve"]), @"
    ! error: <dir>/devtask.toml: `control.agent` is `gpt`, and there is no `[agents.gpt]`
    exit 3
    ");
    assert_snapshot!(tell("[control]\nslotz = 3\n", &["list"]), @"
    ! error: <dir>/devtask.toml: there is no setting `control.slotz`
    ! hint: did you mean `slots`?
    exit 3
    ");
    assert_snapshot!(tell("[control]\nslotz = 3\n", &["doctor"]).lines().next().unwrap_or_default(), @"✗ configuration   <dir>/devtask.toml: there is no setting `control.slotz`; did you mean `slots`?");
    assert_snapshot!(tell("", &["serve", "--listen", "nine"]), @r#"
    ! error: the command line: `http.listen = "nine"` is no address and port; write it like `127.0.0.1:7777`
    exit 3
    "#);
    assert_snapshot!(tell("", &["serve", "--config", "none.toml"]), @"
    ! error: the configuration `none.toml` cannot be read: No such file or directory (os error 2)
    exit 3
    ");
    assert_snapshot!(tell("", &["serve", "--listen", "0.0.0.0:7777"]), @r#"
    ! error: the command line: `http.listen = "0.0.0.0:7777"` can be reached from other machines; set `http.allow_remote = true` if that is meant
    exit 3
    "#);
    assert_snapshot!(tell("[github]\ntoken_file = \"/nowhere/token\"\n", &["serve", "--listen", "127.0.0.1:0"]), @"
    ! error: the settings under `github` cannot be used: the token file /nowhere/token cannot be read: No such file or directory (os error 2)
    ! hint: `devtask doctor` looks at everything at once
    exit 3
    ");
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert_snapshot!(tell("", &["serve", "--data-dir", "file"]), @"
    ! error: `<dir>/file`: the data folder cannot be used: Not a directory (os error 20)
    ! hint: `devtask doctor` looks at everything at once
    exit 3
    ");
    assert_snapshot!(tell("", &["list"]), @"
    ! error: no DevTask answers at <dir>/.local/share/devtask/devtask.sock
    ! hint: start it with `devtask serve`
    exit 69
    ");
}
