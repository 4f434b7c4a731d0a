//! Laws of what the doctor reads from other programs.

use super::{is_wide, numbers};
use std::path::Path;

#[test]
fn versions_are_read_from_what_git_prints() {
    assert_eq!(numbers("git version 2.39.5 (Apple Git-154)"), (2, 39));
    assert_eq!(numbers("git version 2.47.0.windows.1"), (2, 47));
    assert_eq!(numbers("nothing"), (0, 0));
}

#[test]
fn what_is_not_there_is_not_wide() {
    assert!(!is_wide(Path::new("/no/such/file")));
}
