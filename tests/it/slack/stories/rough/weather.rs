//! Slack is rough: it breaks, forgets to answer, asks for patience, drops its sockets. Each word is said once.

use devtask::workbench::slack::{Fault, What};

use super::harmless::all_harmless;
use super::{ANA, DEV, Mode, Town, over, sessions, told};

in_both_modes! {
    whatever_slack_answers_each_word_is_said_once
    whatever_becomes_of_its_sockets_each_word_is_heard_once
}

const POST: &str = "chat.postMessage";

/// The story's thread, whatever the weather.
fn once(seen: &str) {
    for word in ["## dt-1 ", "How shall the greeting end?", "is done*"] {
        assert_eq!(seen.matches(word).count(), 1, "{word}\n{seen}");
    }
}

async fn whatever_slack_answers_each_word_is_said_once(mode: Mode) {
    let town = Town::open(mode).await;
    let down =
        Fault::Call { method: POST.into(), times: 2, fault: What::Status { status: 503 }, after: false };
    town.slack.fault(down);
    town.slack.fault(Fault::call(POST, What::RateLimited { seconds: 2 }));
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "the root stands", |seen| seen.contains("## dt-1 ")).await;
    let asks = |seen: &str| seen.contains("With an exclamation mark");
    // Posted, and nobody tells us: it is looked for before it is said again.
    town.slack.fault(Fault::after(POST, What::Drop));
    town.sees(DEV, "it asks", asks).await;
    let broken = Fault::Call {
        method: "chat.update".into(),
        times: 3,
        fault: What::Error { error: "fatal_error".into() },
        after: false,
    };
    town.slack.fault(broken);
    town.presses(ANA, "With an exclamation mark").await;
    town.sees(DEV, "the summary is there", over).await;
    let right = |seen: &str| seen.contains("✅ *Answered*") && seen.contains("✅ *Done*");
    let seen = town.sees(DEV, "all is as it should be", right).await;
    once(&seen);
    insta::assert_snapshot!("rough_answers", told(&seen));
    let posts = town.slack.calls().counts[POST].clone();
    assert_eq!(
        (posts.calls, posts.got_429, posts.ok),
        (6, 1, 2),
        "two broke, one lost its answer: {posts:#?}"
    );
    all_harmless(&town, &["@U0ANA"]);
}

async fn whatever_becomes_of_its_sockets_each_word_is_heard_once(mode: Mode) {
    let town = Town::open(mode).await;
    town.invite(DEV);
    town.slack.fault(Fault::Repeat { times: 2 });
    let ts = town.says(ANA, DEV, "@devtask Make the greeting polite\n<script:question>", None).await.unwrap();
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    town.slack.fault(Fault::Storm { times: 3 });
    let stood = town.slack.connections().1;
    town.slack.fault(Fault::Disconnect { reason: "refresh_requested".into() });
    back(&town, mode, stood + 4).await;
    let stood = town.slack.connections().1;
    town.slack.fault(Fault::Cut);
    back(&town, mode, stood + 2).await;
    town.slack.fault(Fault::Twice { times: 1 });
    town.says(ANA, DEV, "With an exclamation mark", Some(&ts)).await;
    town.sees(DEV, "it is answered", |seen| seen.contains("*Answered*")).await;
    town.slack.fault(Fault::Disconnect { reason: "refresh_requested".into() });
    let seen = town.sees(DEV, "the summary is there", over).await;
    once(&seen);
    insta::assert_snapshot!("rough_sockets", told(&seen));
    assert_eq!(sessions(&town).await, 1);
}

/// Until so many sockets have ever stood, and two stand.
async fn back(town: &Town, mode: Mode, stood: u64) {
    let there = async || {
        let (now, ever) = town.slack.connections();
        (now == 2 && ever >= stood).then_some(())
    };
    if mode == Mode::Socket {
        town.until("a socket stands again", there).await;
    }
}
