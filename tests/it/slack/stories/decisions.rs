//! Permissions and plans: what an agent may only do after somebody's word.

use devtask::workbench::sample::REPAIRED;
use devtask::workbench::script::Step;
use serde_json::json;

use super::super::town::{ANA, CY, DEV, Mode, Town};
use super::hands::{brief, brief_of, repeated, thread, told};
use super::summed_up;

in_both_modes! {
    a_command_waits_until_somebody_allows_or_denies_it
    a_plan_is_changed_and_then_approved
}

async fn a_command_waits_until_somebody_allows_or_denies_it(mode: Mode) {
    let mut town = Town::open(mode).await;
    town.restarts_with("require_approval_for = [\"Bash\"]").await;
    let steps = vec![
        Step::run("sh test.sh"),
        repeated(),
        Step::run("rm -rf build && echo \"*gone* <!channel>\""),
        repeated(),
        Step::run("git push --force origin main"),
    ];
    town.says(ANA, DEV, &brief("Test the greeting", steps), None).await;
    let seen = town.sees(DEV, "it asks", |seen| seen.contains("sh test.sh")).await;
    insta::assert_snapshot!("permission_asked", thread(&seen));
    town.presses(ANA, "Allow").await;
    town.repeats(1, "2 passed, 0 failed").await;
    town.sees(DEV, "it asks again", |seen| seen.contains("rm -rf build")).await;
    town.presses(CY, "Deny").await;
    town.repeats(1, "A person did not allow this.").await;
    town.sees(DEV, "it asks once more", |seen| seen.contains("git push")).await;
    town.presses(ANA, "Deny and say why…").await;
    insta::assert_snapshot!("permission_form", town.form(ANA, "Why not").await);
    town.picks(ANA, "q0", json!("Nobody pushes to main by force; open a pull request.")).await;
    town.submits(ANA).await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("permission", told(&seen));
}

async fn a_plan_is_changed_and_then_approved(mode: Mode) {
    let town = Town::open(mode).await;
    let plan = |text: &str| Step { plan: Some(text.to_owned()), ..Step::default() };
    let steps = vec![
        plan("# Repair the greeting\n\n1. Delete `test.sh`.\n2. Say it is done. <!channel>\n"),
        repeated(),
        plan("# Repair the greeting\n\n1. Add the comma.\n2. Greet the world without a name.\n"),
        repeated(),
        Step::write("greet.sh", REPAIRED),
        Step::run("sh test.sh"),
    ];
    town.says(ANA, DEV, &brief_of("Repair the greeting --plan", steps), None).await;
    let seen = town.sees(DEV, "the plan is there", |seen| seen.contains("[Approve]")).await;
    insta::assert_snapshot!("plan_asked", thread(&seen));
    town.presses(ANA, "Ask for changes…").await;
    insta::assert_snapshot!("plan_form", town.form(ANA, "What should be different?").await);
    town.picks(ANA, "q0", json!("Keep the tests; mend the script instead.")).await;
    town.submits(ANA).await;
    town.repeats(1, "In their words: Keep the tests; mend the script instead.").await;
    town.sees(DEV, "the new plan is there", |seen| seen.contains("Add the comma")).await;
    town.presses(ANA, "Approve").await;
    town.repeats(1, "User has approved exiting plan mode.").await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("plan", told(&seen));
}
