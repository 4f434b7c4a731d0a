//! The app is installed in the local workspace as its manifest asks: nothing works there that would not in a real one.

use std::collections::BTreeSet;

use devtask::slack::manifest::{COMMAND, EVENTS, SCOPES, SHORTCUT};
use devtask::workbench::slack::Settings;

#[test]
fn the_local_workspace_grants_what_the_manifest_asks_for() {
    let usual = Settings::default();
    let given: BTreeSet<&str> = usual.scopes.iter().map(String::as_str).collect();
    assert_eq!(given, SCOPES.iter().map(|scope| scope.name).collect());
    let heard: BTreeSet<&str> = usual.events.iter().map(String::as_str).collect();
    assert_eq!(heard, EVENTS.iter().map(|(name, _)| *name).collect());
    assert_eq!(usual.commands, [COMMAND]);
    let shortcuts: Vec<(&str, &str)> =
        usual.shortcuts.iter().map(|s| (s.name.as_str(), s.callback_id.as_str())).collect();
    assert_eq!(shortcuts, [SHORTCUT]);
}
