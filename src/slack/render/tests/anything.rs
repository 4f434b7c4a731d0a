//! Whatever stands in a session, its messages keep to Slack's limits and mention nobody we did not mean.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::domain::ask::{Answer, Decision};
use crate::domain::report::Phase;
use crate::domain::session::{Hold, PullRequest, WaitingOn};
use crate::slack::button::Form;
use crate::slack::render;
use crate::slack::words::ends::Gone;
use crate::slack::words::troubles;
use crate::wire::api::{Code, Refusal};

const TOKENS: [&str; 16] = [
    "<!channel>",
    "<@U999>",
    "<#C999|general>",
    "<https://evil.example|bank>",
    "<!date^1^{time}|x>",
    "@here",
    "[x](https://evil.example)",
    "\u{0}",
    "\u{202e}",
    "&amp;",
    "`",
    "*",
    "\n",
    "😀",
    "\"",
    "<!subteam^S1|x",
];

/// Texts as hostile and as long as they come.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => ".{0,40}",
        4 => vec(prop::sample::select(&TOKENS[..]), 0..12).prop_map(|t| t.concat()),
        2 => (prop::sample::select(&TOKENS[..]), 0..900_usize).prop_map(|(t, n)| t.repeat(n)),
        1 => (prop::sample::select(&['x', '<', '"', '\\', '\n', '語'][..]), 0..15_000_usize)
            .prop_map(|(c, n)| c.to_string().repeat(n)),
    ]
}

fn choice(text: impl Strategy<Value = String>) -> impl Strategy<Value = Choice> {
    (text, ".{0,90}").prop_map(|(label, description)| Choice { label, description })
}

fn what() -> impl Strategy<Value = AskWhat> {
    let choices = prop_oneof![vec(choice(text()), 0..6), vec(choice(".{0,90}".boxed()), 0..130)];
    let question = (text(), any::<bool>(), choices).prop_map(|(question, multi_select, options)| Question {
        question,
        header: String::new(),
        multi_select,
        options,
    });
    prop_oneof![
        3 => vec(question, 0..9).prop_map(|questions| AskWhat::Questions { questions }),
        1 => (text(), text()).prop_map(|(tool, detail)| AskWhat::Permission { tool, detail }),
        1 => text().prop_map(|text| AskWhat::Plan { text }),
    ]
}

fn state(what: AskWhat) -> impl Strategy<Value = AskState> {
    let answers = move |said: String| match &what {
        AskWhat::Questions { questions } => Answer::Answers {
            answers: questions.iter().map(|q| (q.question.clone(), said.clone())).collect(),
        },
        _ => Answer::Decide { decide: Decision::Deny, message: Some(said) },
    };
    let again = answers.clone();
    prop_oneof![
        4 => Just(AskState::Open),
        1 => (text(), text()).prop_map(move |(by, said)| AskState::Answered {
            by: Actor::Person(format!("slack/{by}")), at: noon(), answer: answers(said), applied: false,
        }),
        1 => text().prop_map(move |said| AskState::Defaulted { at: noon(), answer: again(said), applied: true }),
        1 => text().prop_map(|why| AskState::Withdrawn { at: noon(), why }),
    ]
}

fn asked() -> impl Strategy<Value = AskView> {
    let default = prop::option::of(prop::sample::select(&[Decision::Agent, Decision::Deny][..]));
    (what(), text(), default).prop_flat_map(|(w, id, default)| {
        state(w.clone()).prop_map(move |state| {
            let mut a = ask(w.clone());
            a.handle = format!("dt-142:{id}");
            (a.ask.id, a.ask.state, a.ask.default) = (AskId(id.clone()), state, default);
            a
        })
    })
}

prop_compose! {
    fn anybody()(
        texts in vec(text(), 14), status in prop::sample::select(&Status::ALL[..]), asks in vec(asked(), 0..3),
        phase in prop::sample::select(&[Phase::Brief, Phase::Plan, Phase::Execute, Phase::Validate, Phase::Publish][..]),
        holds in prop::sample::subsequence(vec![Hold::Person, Hold::Ask, Hold::Budget], 0..=3),
        verbs in prop::sample::subsequence(
            vec![Verb::Pause, Verb::Resume, Verb::Cancel, Verb::Message, Verb::Answer, Verb::Rerun], 0..=6),
        checks in vec((text(), text(), prop::option::of(any::<i32>()), prop::option::of(any::<u32>())), 0..30),
        number in any::<u32>(), big in any::<u64>(), some in any::<[bool; 8]>(),
    ) -> SessionView {
        let mut v = session();
        let one = |n: usize| texts[n].clone();
        let opt = |n: usize, i: usize| some[i].then(|| texts[n].clone());
        v.brief.title = one(0);
        v.owner = format!("person:slack/{}", texts[1]);
        (v.repo, v.provider, v.agent) = (one(2), one(3), one(4));
        (v.base, v.base_sha, v.branch, v.pushed_sha) = (opt(5, 0), opt(6, 1), opt(7, 2), opt(8, 3));
        (v.model, v.checks_from, v.summary, v.failure) = (opt(9, 4), opt(10, 5), opt(11, 6), opt(12, 7));
        (v.status, v.phase, v.holds, v.verbs, v.asks) = (status, phase, holds, verbs, asks);
        (v.rev, v.position, v.unsandboxed) = (big, some[0].then_some(number as usize), some[1]);
        (v.usage.turns, v.usage.cost_micro_usd, v.attempt.0) = (number, big, number);
        v.waiting_on = some[2].then_some(WaitingOn::Quota { until: noon() });
        v.pull_request = some[3].then(|| PullRequest { number: big, url: texts[13].clone(), adopted: some[4] });
        v.evidence = checks.into_iter().map(|(command, tail, exit, tests)| {
            let mut e = check(&command, "test", exit, tests);
            (e.tail, e.tree) = (tail, command);
            e
        }).collect();
        v
    }
}

/// Mentions, channels, dates and links that stand in what Slack parses.
fn tokens(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            // Rich text is never parsed, and a value is nobody's to see.
            let parsed =
                map.get("type").is_some_and(|t| t == "mrkdwn" || t == "plain_text" || t == "markdown");
            if let (true, Some(Value::String(text))) = (parsed, map.get("text")) {
                let plain = map["type"] != "mrkdwn";
                found.extend(
                    text.match_indices('<')
                        .map(|(at, _)| &text[at..])
                        .filter(|t| !plain || is_token(t))
                        .map(|t| t.split_inclusive('>').next().unwrap_or_default().to_owned()),
                );
                if map["type"] == "markdown" {
                    for bad in ["](", "://", "@h", "@c", "@U"] {
                        found.extend(text.contains(bad).then(|| bad.to_owned()));
                    }
                }
            }
            map.values().for_each(|v| tokens(v, found));
        }
        Value::Array(all) => all.iter().for_each(|v| tokens(v, found)),
        _ => {}
    }
}

fn is_token(text: &str) -> bool {
    ["<!", "<@", "<#", "<http", "<mailto:"].iter().any(|t| text.starts_with(t))
}

/// Dates of ours, the owner, and the pull request's own address.
fn is_ours(token: &str) -> bool {
    let date = token.strip_prefix("<!date^").and_then(|t| t.split_once('^'));
    let date = date.is_some_and(|(at, rest)| {
        at.parse::<i64>().is_ok() && rest.starts_with("{date_short_pretty} at {time}|")
    });
    date || token == "<@U024>"
        || token.starts_with("<https://github.com/acme/api/pull/918|")
        || token == "<#C024>"
}

fn check_post(post: &render::Post) -> Result<(), TestCaseError> {
    let wrong = super::limits::post(post);
    prop_assert!(wrong.is_empty(), "{wrong:?}\n{}", super::plain::post(post));
    let mut found = Vec::new();
    tokens(&serde_json::to_value(&post.blocks).unwrap(), &mut found);
    tokens(&serde_json::json!({ "type": "mrkdwn", "text": post.text }), &mut found);
    found.retain(|t| !is_ours(t));
    prop_assert!(found.is_empty(), "not ours: {found:?}");
    Ok(())
}

fn check_view(view: &render::View) -> Result<(), TestCaseError> {
    let wrong = super::limits::view(view);
    prop_assert!(wrong.is_empty(), "{wrong:?}");
    let mut found = Vec::new();
    tokens(&serde_json::to_value(view).unwrap(), &mut found);
    found.retain(|t| !is_ours(t));
    prop_assert!(found.is_empty(), "not ours: {found:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_may_say_what_it_wants(v in anybody(), liar in text()) {
        // Exactly one mention would be one that is meant.
        let lies = |_: &str| format!("{liar}.");
        for post in [render::root(&v, &people), render::root(&v, &lies), render::finale(&v, &people),
                     render::show(&v, &people), render::list(&vec![v.clone(); 25], &lies),
                     render::spent(&v, Some(&liar), &people), render::moved(&v, &liar, Gone::Closed),
                     render::unpublished(&v, &liar, 3, noon(), &lies)] {
            check_post(&post)?;
            let head: String = post.text.chars().take(80).collect();
            prop_assert!(head.contains("dt-142") || head.starts_with("DevTask list"), "{head}");
        }
    }

    #[test]
    fn an_ask_may_say_what_it_wants(a in asked(), liar in text()) {
        let post = render::ask(&session(), &a, &|_: &str| format!("{liar}."));
        check_post(&post)?;
        let command = |b: &Value| b["value"].as_str().is_some_and(|v| v.contains(r#""allow":true"#));
        let json = serde_json::to_value(&post.blocks).unwrap();
        let rows = json.as_array().unwrap().iter().filter(|b| b["type"] == "actions");
        let buttons: Vec<&Value> = rows.filter_map(|b| b["elements"].as_array()).flatten().collect();
        if let (AskWhat::Permission { detail, .. }, true) = (&a.ask.what, buttons.iter().any(|b| command(b))) {
            let shown = json[1].pointer("/elements/0/elements/0/text").and_then(Value::as_str).unwrap();
            let whole = crate::slack::escape::clean(detail);
            prop_assert!(shown == whole || whole.trim().is_empty(), "allowed what is not shown: {shown}");
        }
        if !a.ask.is_open() {
            prop_assert!(buttons.is_empty(), "a settled ask has controls");
        }
        if buttons.iter().any(|b| b["value"].as_str().is_some_and(|v| v.contains("open_form"))) {
            check_view(&render::answer_form(&a, &Form::Answer { handle: a.handle.clone() }))?;
        }
    }

    #[test]
    fn a_person_may_say_what_they_want(texts in vec(text(), 6), plan in any::<bool>()) {
        let [repo, base, goal, done_when, checks, says] = texts.try_into().unwrap();
        let draft = render::Draft { known: vec![base.clone(), repo.clone()], repo, base, goal, done_when, checks, plan };
        let form = Form::Brief { request: "r".to_owned(), channel: "C024".to_owned(), thread: None };
        check_view(&render::brief_form(&draft, &form, &[("repo", &says), ("goal", &says)]))?;
        check_view(&render::notice_form(&troubles::no_session(&says), Some(&draft.goal)))?;
        let refusal = Refusal::new(Code::Invalid, says.clone()).hint(draft.base.clone());
        for post in [render::refused(&refusal), render::unknown_verb(&says, Some(&draft.base)),
                     render::notice(&troubles::bad_option(&says, &says)),
                     render::notice_with(&troubles::no_repo(), &draft.goal), render::notice(&troubles::not_in_channel(&says)),
                     render::said(&crate::slack::words::troubles::starting(&says))] {
            check_post(&post)?;
        }
    }
}
