//! Numbered messages over interruptions and restarts.

use super::*;

fn series(count: u64) -> Markers {
    Markers { count, every_ms: 1, prefix: "marker".into() }
}

fn script(count: u64) -> String {
    let markers = Step { markers: Some(series(count)), ..Step::default() };
    format!("go {}", Script::of(vec![markers, Step::text("all said")]).tag())
}

use crate::workbench::script::Step;

#[tokio::test]
async fn markers_go_on_behind_the_last_one_over_interrupt_and_restart() {
    let place = Place::new();
    let mut lines = Vec::new();
    let mut agent = place.start(&[]);
    agent.say(&script(60)).await;
    for round in 0..4 {
        agent
            .until(|l| l["message"]["content"][0]["text"].as_str().is_some_and(|t| t.starts_with("marker")))
            .await;
        match round {
            0 => {
                agent.control("i", json!({ "subtype": "interrupt", "cancel_queued": true })).await;
                agent.idle().await;
                agent.say("go on").await;
            }
            3 => {
                assert_eq!(agent.kind("result").await["result"], "all said");
            }
            _ => {
                agent.signal.try_send(Signal::Terminate).unwrap();
                lines.extend(agent.end().await.1);
                agent = place.resume(&["--await-initialize"]);
                agent.say("The machine restarted.").await;
            }
        }
    }
    lines.extend(agent.end().await.1);
    let said = texts(&lines);
    let tally = Tally::of(&series(60), said.iter().map(String::as_str));
    assert_eq!((tally.lost(), tally.doubled(), tally.last()), (vec![], vec![], 60));
}

#[tokio::test]
async fn a_marker_said_but_not_noted_is_repeated_under_its_own_uuid() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.say(&script(5)).await;
    agent.idle().await;
    let (_, first, _) = agent.end().await;

    // As a kill between the print of marker 4 and its note would leave it: the note and all behind it are gone.
    let path = transcript::Transcript::find(place.config.path(), place.session).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.split_inclusive('\n').take_while(|l| !l.contains("marker 4 of 5")).collect();
    std::fs::write(&path, kept.concat() + "{\"torn").unwrap();

    let mut agent = place.resume(&[]);
    agent.say("go on").await;
    agent.idle().await;
    let (_, second, _) = agent.end().await;
    assert_eq!(texts(&second), ["marker 4 of 5", "marker 5 of 5", "all said"]);
    let uuid = |lines: &[Value]| {
        lines
            .iter()
            .find(|l| l["message"]["content"][0]["text"] == "marker 4 of 5")
            .map(|l| l["uuid"].clone())
    };
    assert_eq!(uuid(&first), uuid(&second));
}
