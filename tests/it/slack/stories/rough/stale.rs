//! Controls on a screen that is not fresh: pressed by the owner after everything has changed.

use devtask::domain::session::Status;

use super::{ANA, DEV, Mode, Screen, Town, comes_to, over, told};

in_both_modes! {
    a_stale_button_is_told_what_stands
}

async fn a_stale_button_is_told_what_stands(mode: Mode) {
    let town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    let (pause, choice) = (Screen::of(&town, "Pause"), Screen::of(&town, "With a full stop"));
    pause.pressed(&town, ANA).await;
    comes_to(&town, 1, Status::Paused).await;
    town.sees(DEV, "it can be resumed", |seen| seen.contains("[Resume]")).await;
    let resume = Screen::of(&town, "Resume");
    // Clicks are worked side by side: each is told before the next, so that each is as stale as it should be.
    pause.pressed(&town, ANA).await;
    town.told(2).await;
    resume.pressed(&town, ANA).await;
    town.sees(DEV, "it waits again", |seen| seen.contains("*Waiting for you*")).await;
    resume.pressed(&town, ANA).await;
    town.told(3).await;
    town.presses(ANA, "With an exclamation mark").await;
    town.sees(DEV, "the summary is there", over).await;
    pause.pressed(&town, ANA).await;
    town.told(4).await;
    choice.pressed(&town, ANA).await;
    town.told(5).await;
    let seen = town.sees(DEV, "the root is right", |seen| seen.contains("✅ *Done*")).await;
    insta::assert_snapshot!("stale_buttons", told(&seen));
}
