//! Laws of the sample repository: its test fails until the script is repaired, and it is the same everywhere.

use super::*;

fn passes(folder: &Path) -> bool {
    Command::new("sh").arg("test.sh").current_dir(folder).output().unwrap().status.success()
}

#[test]
fn the_test_fails_until_the_script_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path()).unwrap();
    assert!(is_here(folder.path()));
    assert!(!passes(folder.path()));
    std::fs::write(folder.path().join("greet.sh"), HALF).unwrap();
    assert!(!passes(folder.path()));
    std::fs::write(folder.path().join("greet.sh"), REPAIRED).unwrap();
    assert!(passes(folder.path()));
    assert!(!is_here(folder.path()));
}

#[test]
fn the_commit_is_the_same_everywhere() {
    let heads = [0, 1].map(|_| {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).unwrap();
        let head =
            Command::new("git").args(["rev-parse", "HEAD"]).current_dir(folder.path()).output().unwrap();
        String::from_utf8(head.stdout).unwrap()
    });
    assert_eq!(heads[0], heads[1]);
    assert_eq!(heads[0].trim().len(), 40);
}
