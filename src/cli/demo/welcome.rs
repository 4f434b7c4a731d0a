//! What the demo says first: where to look, what to type.
//!
//! Knows words alone; the stage is set before.

use super::stage::Stage;
use super::{quoted, said};
use crate::workbench::page::Hint;

/// What the page offers to type.
pub fn hints(scripted: bool) -> Vec<Hint> {
    let mut hints = Vec::new();
    if scripted {
        hints.push(Hint::new("A quick task", "/devtask new Repair the greeting"));
        let asks = "/devtask new Make the greeting polite\n\n<script:question>";
        hints.push(Hint::new("A task that asks back", asks));
        let plans = "/devtask new Repair the greeting by a plan\n\n<script:plan>";
        hints.push(Hint::new("A plan to approve first", plans));
    }
    hints.push(Hint::new("A task by form", "/devtask new"));
    hints.push(Hint::new("What there is", "/devtask list"));
    hints.push(Hint::new("All that can be typed", "/devtask help"));
    hints
}

/// `begun`: sessions are there already.
pub fn say(page: &str, begun: bool, stage: &Stage) {
    said("DevTask runs, with a Slack and a forge of its own. Nothing of it leaves this machine.\n");
    said(&format!("  open in a browser  {page}\n"));
    said(
        "It is a workspace: type `/devtask new …`, answer by a click, see the pull request, kill the control plane.",
    );
    said(&format!("\n  repository         {}", stage.repo));
    said(&format!("  log                {}", stage.dir.join("serve.log").display()));
    said("\nOr by hand, in another terminal:\n");
    if let Some(line) = ours() {
        said(&format!("  {line}"));
    }
    said(&format!("  export DEVTASK_CONFIG={}\n", quoted(&stage.config.to_string_lossy())));
    steps(begun, &stage.repo);
    said("\nCtrl-C ends it.");
}

fn steps(begun: bool, repo: &str) {
    let mut steps = Vec::new();
    if begun {
        steps.push(("devtask list", "three sessions, two at a time"));
        steps.push(("devtask list --asks", "what they want to know"));
        steps.push(("devtask answer 1", "asks you here; a number or words of your own"));
        steps.push(("devtask logs 1 -f", "watch it work to its end"));
        steps.push(("devtask show 1", "its checks, branch and pull request"));
        steps.push(("devtask pause 3", "and `resume`, `cancel`, `rerun`"));
    }
    let create = format!("devtask create --repo {repo} --brief 'Leave a note' --wait");
    steps.push((&create, "one of your own"));
    let width = steps.iter().map(|(step, _)| step.len()).filter(|n| *n < 40).max().unwrap_or(0);
    for (step, what) in steps {
        said(&format!("  {step:<width$}  # {what}"));
    }
}

/// What makes `devtask` the program that runs here, where the shell would not find it by that name.
fn ours() -> Option<String> {
    let called = std::env::args().next().unwrap_or_default();
    let program = std::env::current_exe().ok().filter(|_| called.contains('/'))?;
    Some(format!("alias devtask={}", quoted(&program.to_string_lossy())))
}
