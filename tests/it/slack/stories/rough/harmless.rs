//! The law of every message of ours: no mention, link or command in it that we did not issue.
//!
//! Read from Slack's own record, not from what a transcript makes of it. Must not know any story.

use serde_json::Value;

use super::{Town, ours};

/// Panics with the first message that breaks the law. `issued`: marks we may make, `@U0ANA` or `#C0DEV`.
pub fn all_harmless(town: &Town, issued: &[&str]) -> usize {
    let ours = ours(town);
    for (_, message) in &ours {
        let law = Law { town, issued };
        let text = message["text"].as_str().unwrap_or_default();
        let told = law.mrkdwn(text).and_then(|()| law.value(&message["blocks"]));
        if let Err(broken) = told {
            panic!("{broken}\n{message:#}");
        }
    }
    ours.len()
}

/// The same of the form in front of somebody.
pub fn modal_harmless(town: &Town, who: &str, issued: &[&str]) {
    let view = town.slack.state(who).unwrap()["modal"]["view"].clone();
    let law = Law { town, issued };
    let told = law.value(&view["blocks"]).and_then(|()| law.value(&view["title"]));
    told.unwrap_or_else(|broken| panic!("{broken}\n{view:#}"));
}

struct Law<'a> {
    town: &'a Town,
    issued: &'a [&'a str],
}

type Kept = Result<(), String>;

impl Law<'_> {
    /// Blocks, by what each text in them can do.
    fn value(&self, value: &Value) -> Kept {
        match value {
            Value::Array(all) => all.iter().try_for_each(|v| self.value(v)),
            Value::Object(map) => {
                let text = map.get("text").and_then(Value::as_str);
                let sort = map.get("type").and_then(Value::as_str).unwrap_or_default();
                match (sort, text) {
                    ("mrkdwn", Some(text)) => {
                        self.mrkdwn(text)?;
                        no(
                            map.get("verbatim") != Some(&Value::Bool(true)),
                            "Slack makes links of its own",
                            text,
                        )?;
                    }
                    ("markdown", Some(text)) => markdown(text)?,
                    ("plain_text", Some(text)) => plain(text)?,
                    ("text", Some(text)) => visible(text)?,
                    // A button's label is an object of its own; this would be a text of a kind nobody knows.
                    (_, Some(text)) => return Err(format!("a text nobody knows: {sort} {text}")),
                    _ => {}
                }
                let leads = ["user", "usergroup", "channel", "broadcast", "link", "emoji"];
                no(leads.contains(&sort), "a leaf that notifies or leads away", sort)?;
                if let Some(url) = map.get("url").and_then(Value::as_str) {
                    no(!url.starts_with(self.town.forge.url()), "a button leads away", url)?;
                }
                map.values().try_for_each(|v| self.value(v))
            }
            Value::String(text) => visible(text),
            _ => Ok(()),
        }
    }

    /// Every `<…>` is a mention of somebody we mean, a date, or a link to the forge.
    fn mrkdwn(&self, text: &str) -> Kept {
        visible(text)?;
        for token in text.split('<').skip(1) {
            let token = token.split('>').next().unwrap_or_default();
            let (target, label) = token.split_once('|').unwrap_or((token, ""));
            let meant = self.issued.contains(&target);
            let link = target.starts_with(self.town.forge.url()) && !label.contains("evil");
            no(!(meant || link || target.starts_with("!date^")), "a token we did not issue", token)?;
        }
        Ok(())
    }
}

fn plain(text: &str) -> Kept {
    visible(text)?;
    no(["<!", "<@", "<#", "<http"].iter().any(|t| text.contains(t)), "half a token", text)
}

/// Standard Markdown: no link, no address that becomes one, no name behind an `@`.
fn markdown(text: &str) -> Kept {
    visible(text)?;
    for made in ["](", "]:", "://", "www.", "<!", "<@", "<#", "@channel", "@here", "@U0", "@bo"] {
        no(text.contains(made), "Markdown that leads away or mentions", made)?;
    }
    Ok(())
}

/// Nothing turns the reading direction, nothing is a control character.
fn visible(text: &str) -> Kept {
    let odd = text.chars().find(|c| {
        let turns = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || c.is_control() && !matches!(c, '\n' | '\t')
    });
    odd.map_or(Ok(()), |c| Err(format!("{} in: {text}", c.escape_unicode())))
}

fn no(broken: bool, what: &str, text: &str) -> Kept {
    if broken { Err(format!("{what}: {text}")) } else { Ok(()) }
}
