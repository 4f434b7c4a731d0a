//! `devtask answer`: which ask is meant, and what is answered, by flags or by asking the person here.
//!
//! Must not know which answers fit: the session says so.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use super::act::told;
use super::paint::{Look, line};
use super::{Outcome, Terminal, Trouble, show};
use crate::cli::args::{self, Decide};
use crate::domain::ask::{Answer, AskWhat, Decision, Question};
use crate::domain::{Actor, SessionId};
use crate::wire::api::{Code, Control, Refusal};
use crate::wire::view::AskView;

pub(super) async fn run(
    args: args::Answer,
    control: &dyn Control,
    by: &Actor,
    at: &mut Terminal<'_>,
) -> Outcome {
    let ask = match choose(args.target.as_deref(), control.asks().await?)? {
        Chosen::Ask(ask) => *ask,
        Chosen::Silent(id) => {
            // Says so where there is no such session.
            control.show(id).await?;
            return Err(not_found(format!("{id} asks nothing now")));
        }
    };
    let answer = match by_flags(&args, &ask)? {
        Some(answer) => answer,
        None => by_talking(&ask, at)?,
    };
    let view = control.answer(by, &ask.handle, answer).await?;
    told(&view, at)
}

enum Chosen {
    Ask(Box<AskView>),
    /// This session has no open ask.
    Silent(SessionId),
}

/// The ask that is meant, where only one can be.
fn choose(target: Option<&str>, open: Vec<AskView>) -> Result<Chosen, Trouble> {
    let mut session = None;
    let mut fit: Vec<AskView> = match target {
        None => open,
        Some(handle) if handle.contains(':') => open.into_iter().filter(|a| a.handle == handle).collect(),
        Some(word) => {
            let id: SessionId =
                word.parse().map_err(|e: crate::domain::ids::BadSessionId| Trouble::usage(e.to_string()))?;
            session = Some(id);
            open.into_iter().filter(|a| a.session == id).collect()
        }
    };
    match (fit.len(), target) {
        (1, _) => Ok(Chosen::Ask(Box::new(fit.remove(0)))),
        (0, Some(_)) if let Some(id) = session => Ok(Chosen::Silent(id)),
        (0, Some(target)) => Err(not_found(format!("`{}` asks nothing now", line(target, 80)))),
        (0, None) => Err(not_found("nobody waits for an answer".to_owned())),
        _ => {
            let all: Vec<String> = fit
                .iter()
                .map(|a| format!("  {}  {}", line(&a.handle, 80), line(&a.ask.headline(), 60)))
                .collect();
            Err(Trouble::usage(format!("several asks are open; name one:\n{}", all.join("\n"))))
        }
    }
}

fn not_found(text: String) -> Trouble {
    Refusal::new(Code::NotFound, text).hint("`devtask list --asks` shows what is open").into()
}

fn by_flags(args: &args::Answer, ask: &AskView) -> Result<Option<Answer>, Trouble> {
    if let Some(decide) = args.decide {
        let decide = match decide {
            Decide::Agent => Decision::Agent,
            Decide::Allow => Decision::Allow,
            Decide::Deny => Decision::Deny,
        };
        return Ok(Some(Answer::Decide { decide, message: args.message.clone() }));
    }
    let words = if args.options.is_empty() { &args.texts } else { &args.options };
    if words.is_empty() {
        return Ok(None);
    }
    let AskWhat::Questions { questions } = &ask.ask.what else {
        return Err(Trouble::usage("this ask takes a decision").hint("`--decide allow` or `--decide deny`"));
    };
    if questions.len() != words.len() {
        let text =
            format!("{} questions wait, {} answered here; answer all together", questions.len(), words.len());
        return Err(
            Trouble::usage(text).hint("give `--option` or `--text` once for each question, in their order")
        );
    }
    let mut answers = BTreeMap::new();
    for (question, word) in questions.iter().zip(words) {
        let words = if args.options.is_empty() { word.clone() } else { labels(question, word)? };
        answers.insert(question.question.clone(), words);
    }
    Ok(Some(Answer::Answers { answers }))
}

/// `1` or `1,3` as the labels they stand for.
fn labels(question: &Question, numbers: &str) -> Result<String, Trouble> {
    let many = question.options.len();
    let wrong = || Trouble::usage(format!("`{}` is no option; they go from 1 to {many}", line(numbers, 40)));
    let mut labels = Vec::new();
    for number in numbers.split(',') {
        let n: usize = number.trim().parse().map_err(|_| wrong())?;
        let choice = n.checked_sub(1).and_then(|i| question.options.get(i)).ok_or_else(wrong)?;
        labels.push(choice.label.clone());
    }
    if labels.len() > 1 && !question.multi_select {
        return Err(Trouble::usage("this question takes one option"));
    }
    Ok(labels.join(", "))
}

fn by_talking(ask: &AskView, at: &mut Terminal<'_>) -> Result<Answer, Trouble> {
    let look = at.look;
    let Some(typed) = at.typed.as_deref_mut() else {
        return Err(Trouble::usage(format!("{} asks, and no answer was given", ask.session))
            .hint("`--option N`, `--text TEXT` or `--decide agent|allow|deny`"));
    };
    match &ask.ask.what {
        AskWhat::Questions { questions } => {
            let mut answers = BTreeMap::new();
            for question in questions {
                let one = AskView {
                    ask: crate::domain::ask::Ask {
                        what: AskWhat::Questions { questions: vec![question.clone()] },
                        ..ask.ask.clone()
                    },
                    ..ask.clone()
                };
                write!(at.talk, "{}", show::asked(&one, &look))?;
                answers.insert(question.question.clone(), one_answer(question, typed, at.talk)?);
            }
            Ok(Answer::Answers { answers })
        }
        AskWhat::Permission { .. } | AskWhat::Plan { .. } => decision(ask, &look, typed, at.talk),
    }
}

/// A number, numbers or words; asked again until there is something.
fn one_answer(question: &Question, typed: &mut dyn BufRead, talk: &mut dyn Write) -> Result<String, Trouble> {
    loop {
        let word = prompt("  > ", typed, talk)?;
        let numbers = word.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' '));
        if word.is_empty() {
            continue;
        }
        if !numbers || question.options.is_empty() {
            return Ok(word);
        }
        match labels(question, &word) {
            Ok(labels) => return Ok(labels),
            Err(trouble) => writeln!(talk, "  {}", trouble.text().unwrap_or_default())?,
        }
    }
}

fn decision(
    ask: &AskView,
    look: &Look,
    typed: &mut dyn BufRead,
    talk: &mut dyn Write,
) -> Result<Answer, Trouble> {
    write!(talk, "{}", show::asked(ask, look))?;
    loop {
        let word = prompt("  allow or deny > ", typed, talk)?;
        let (decide, message) = match word.split_once(' ').map_or((word.as_str(), ""), |(w, m)| (w, m.trim()))
        {
            ("allow" | "a" | "yes" | "y", m) => (Decision::Allow, m),
            ("deny" | "d" | "no" | "n", m) => (Decision::Deny, m),
            _ => continue,
        };
        let message = (!message.is_empty()).then(|| message.to_owned());
        return Ok(Answer::Decide { decide, message });
    }
}

fn prompt(text: &str, typed: &mut dyn BufRead, talk: &mut dyn Write) -> Result<String, Trouble> {
    write!(talk, "{text}")?;
    talk.flush()?;
    let mut line = String::new();
    if typed.read_line(&mut line)? == 0 {
        return Err(Trouble::usage("no answer was given"));
    }
    Ok(line.trim().to_owned())
}
