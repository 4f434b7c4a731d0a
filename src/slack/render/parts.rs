//! Single blocks and controls, each within its own limits.
//!
//! The one file that spells slack-morphism's models. Must not know sessions.

use slack_morphism::prelude::*;

use crate::domain::brief::is_blank;
use crate::slack::button::{Button, option_value};
use crate::slack::escape::{self, cut_mrkdwn, units};

const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3_000;
const MAX_CONTEXT: usize = 2_000;
const MAX_MARKDOWN: usize = 12_000;
const MAX_BUTTON: usize = 75;
/// Units of what a button carries.
pub(super) const MAX_VALUE: usize = 2_000;
const MAX_OPTION: usize = 75;
/// Of a menu.
pub(super) const MAX_OPTIONS: usize = 100;
const MAX_CHECKBOXES: usize = 10;

/// What stands for nothing: Slack refuses empty texts.
const NOTHING: &str = "–";

pub(super) fn header(plain: &str) -> SlackBlock {
    let text = filled(escape::plain(plain, MAX_HEADER));
    SlackHeaderBlock::new(text.into()).into()
}

/// A paragraph of `mrkdwn` of ours. `verbatim`: Slack makes no links and no mentions of its own out of it.
pub(super) fn section(text: &str) -> SlackBlock {
    let text = SlackBlockText::MarkDown(verbatim(filled(cut_mrkdwn(text, MAX_SECTION))));
    SlackSectionBlock::new().with_text(text).into()
}

/// Small print.
pub(super) fn context(text: &str) -> SlackBlock {
    let text = verbatim(filled(cut_mrkdwn(text, MAX_CONTEXT)));
    SlackContextBlock::new(vec![SlackContextBlockElement::MarkDown(text)]).into()
}

fn verbatim(text: String) -> SlackBlockMarkDownText {
    SlackBlockMarkDownText::new(text).with_verbatim(true)
}

/// Foreign prose in standard Markdown.
pub(super) fn markdown(foreign: &str, max: usize) -> SlackBlock {
    let text = filled(escape::markdown(foreign, max.min(MAX_MARKDOWN)));
    SlackMarkdownBlock::new(text).into()
}

/// Foreign text to the letter.
pub(super) fn preformatted(foreign: &str, max: usize) -> SlackBlock {
    let text = filled(escape::literal(foreign, max));
    let text = SlackRichTextInlineElement::Text(SlackRichTextText::new(text));
    let lines = SlackRichTextElement::Preformatted(SlackRichTextPreformatted::new(vec![text]));
    SlackRichTextBlock::new(vec![lines]).into()
}

fn filled(text: String) -> String {
    if is_blank(&text) { NOTHING.to_owned() } else { text }
}

/// A row of controls; nothing where there are none.
pub(super) fn actions(controls: impl IntoIterator<Item = Control>) -> Option<SlackBlock> {
    let elements: Vec<SlackActionBlockElement> = controls.into_iter().filter_map(Control::element).collect();
    (!elements.is_empty()).then(|| SlackActionsBlock::new(elements).into())
}

/// A button on its way into a message.
pub(super) struct Control {
    /// Its place among the message's controls.
    n: usize,
    label: String,
    /// What a screen reader says.
    aloud: String,
    does: Button,
    style: Option<SlackBlockButtonStyle>,
    confirm: Option<[String; 4]>,
    url: Option<String>,
}

impl Control {
    pub(super) fn new(n: usize, label: &str, aloud: &str, does: Button) -> Self {
        let (label, aloud) = (label.to_owned(), aloud.to_owned());
        Self { n, label, aloud, does, style: None, confirm: None, url: None }
    }

    /// Opens an address; `None` where it is none.
    pub(super) fn link(n: usize, label: &str, aloud: &str, url: &str) -> Option<Self> {
        escape::is_address(url)
            .then(|| Self { url: Some(url.to_owned()), ..Self::new(n, label, aloud, Button::Link) })
    }

    pub(super) fn primary(mut self) -> Self {
        self.style = Some(SlackBlockButtonStyle::Primary);
        self
    }

    pub(super) fn danger(mut self) -> Self {
        self.style = Some(SlackBlockButtonStyle::Danger);
        self
    }

    /// Title, text, yes, no.
    pub(super) fn sure(mut self, words: [String; 4]) -> Self {
        self.confirm = Some(words);
        self
    }

    /// `None` where Slack would refuse it: a value that is too long, an address nobody can parse.
    fn element(self) -> Option<SlackActionBlockElement> {
        let value = self.does.value();
        if units(&value) > MAX_VALUE {
            return None;
        }
        let label = filled(escape::plain(&self.label, MAX_BUTTON));
        let mut button = SlackBlockButtonElement::new(label.into())
            .with_action_id(SlackActionId(Button::action_id(self.n)))
            .with_value(value)
            .with_accessibility_label(SlackAccessibilityLabel(filled(escape::plain(
                &self.aloud,
                MAX_BUTTON,
            ))));
        if let Some(url) = self.url {
            button = button.with_url(url.parse().ok()?);
        }
        button.style = self.style;
        button.confirm = self.confirm.map(confirm);
        Some(button.into())
    }
}

fn confirm([title, text, yes, no]: [String; 4]) -> SlackBlockConfirmItem {
    let text = SlackBlockPlainText::new(escape::plain(&text, 300));
    SlackBlockConfirmItem::new(
        escape::plain(&title, 100).into(),
        text.into(),
        escape::plain(&yes, 30).into(),
        escape::plain(&no, 30).into(),
    )
    .with_style("danger".to_owned())
}

/// An option of a menu: a label, and what it means where that is said.
pub(super) struct Choice<'a> {
    pub label: &'a str,
    pub description: &'a str,
}

/// Exactly one of these, the first hundred of them.
pub(super) fn select(action: &str, hint: &str, choices: &[Choice<'_>]) -> SlackInputBlockElement {
    SlackBlockStaticSelectElement::new()
        .with_action_id(SlackActionId(action.to_owned()))
        .with_placeholder(escape::plain(hint, 150).into())
        .with_options(items(choices))
        .into()
}

/// Any of these: boxes where there are few, else a menu.
pub(super) fn select_some(action: &str, hint: &str, choices: &[Choice<'_>]) -> SlackInputBlockElement {
    let action = SlackActionId(action.to_owned());
    if choices.len() > MAX_CHECKBOXES {
        return SlackBlockMultiStaticSelectElement::new()
            .with_action_id(action)
            .with_placeholder(escape::plain(hint, 150).into())
            .with_options(items(choices))
            .into();
    }
    let boxed = items(choices).into_iter().map(as_text).collect();
    SlackBlockCheckboxesElement::new(boxed).with_action_id(action).into()
}

/// Radio buttons with values of their own; the one with `initial` is chosen.
pub(super) fn radio(action: &str, choices: &[(&str, &str)], initial: &str) -> SlackInputBlockElement {
    let item = |(value, label): &(&str, &str)| {
        let text = SlackBlockText::Plain(SlackBlockPlainText::new(escape::plain(label, MAX_OPTION)));
        SlackBlockChoiceItem::new(text, (*value).to_owned())
    };
    let chosen = choices.iter().find(|(value, _)| *value == initial).map(item);
    let mut radio = SlackBlockRadioButtonsElement::new(choices.iter().map(item).collect())
        .with_action_id(SlackActionId(action.to_owned()));
    radio.initial_option = chosen;
    radio.into()
}

/// A menu of texts that are their own values, no two the same; `initial` is chosen where it is one of them.
pub(super) fn menu(action: &str, hint: &str, texts: &[&str], initial: &str) -> SlackInputBlockElement {
    let item = |text: &&str| SlackBlockChoiceItem::new((*text).into(), (*text).to_owned());
    let chosen = texts.iter().take(MAX_OPTIONS).find(|text| **text == initial).map(item);
    let mut menu = SlackBlockStaticSelectElement::new()
        .with_action_id(SlackActionId(action.to_owned()))
        .with_placeholder(escape::plain(hint, 150).into())
        .with_options(texts.iter().take(MAX_OPTIONS).map(item).collect());
    menu.initial_option = chosen;
    menu.into()
}

fn items(choices: &[Choice<'_>]) -> Vec<SlackBlockChoiceItem<SlackBlockPlainTextOnly>> {
    let item = |(index, choice): (usize, &Choice<'_>)| {
        let label = filled(escape::plain(choice.label, MAX_OPTION));
        let mut item = SlackBlockChoiceItem::new(label.into(), option_value(index));
        let more = escape::plain(choice.description, MAX_OPTION);
        item.description = (!more.is_empty()).then(|| more.into());
        item
    };
    choices.iter().take(MAX_OPTIONS).enumerate().map(item).collect()
}

fn as_text(item: SlackBlockChoiceItem<SlackBlockPlainTextOnly>) -> SlackBlockChoiceItem<SlackBlockText> {
    let mut same = SlackBlockChoiceItem::new(item.text.into(), item.value);
    same.description = item.description;
    same
}

/// A field for text, at most 3,000 characters.
pub(super) fn words_field(action: &str, lines: bool, example: &str, typed: &str) -> SlackInputBlockElement {
    let mut field = SlackBlockPlainTextInputElement::new()
        .with_action_id(SlackActionId(action.to_owned()))
        .with_multiline(lines)
        .with_max_length(3_000);
    if !example.is_empty() {
        field = field.with_placeholder(escape::plain(example, 150).into());
    }
    if !typed.is_empty() {
        field = field.with_initial_value(escape::literal(typed, 3_000));
    }
    field.into()
}

/// An input with its label; `hint` may be empty.
pub(super) fn input(
    block: &str,
    label: &str,
    hint: &str,
    needed: bool,
    element: SlackInputBlockElement,
) -> SlackBlock {
    let label = filled(escape::plain_lines(label, 2_000));
    let mut input = SlackInputBlock::new(label.into(), element)
        .with_block_id(SlackBlockId(block.to_owned()))
        .with_optional(!needed);
    let hint = escape::plain_lines(hint, 2_000);
    input.hint = (!hint.is_empty()).then(|| hint.into());
    input.into()
}

/// The text of a block that can be cut.
pub(super) fn text_of(block: &mut SlackBlock) -> Option<&mut String> {
    match block {
        SlackBlock::Section(section) => match section.text.as_mut()? {
            SlackBlockText::MarkDown(text) => Some(&mut text.text),
            SlackBlockText::Plain(text) => Some(&mut text.text),
        },
        SlackBlock::Markdown(markdown) => Some(&mut markdown.text),
        SlackBlock::Context(context) => match context.elements.first_mut()? {
            SlackContextBlockElement::MarkDown(text) => Some(&mut text.text),
            _ => None,
        },
        SlackBlock::RichText(rich) => match rich.elements.first_mut()? {
            SlackRichTextElement::Preformatted(lines) => match lines.elements.first_mut()? {
                SlackRichTextInlineElement::Text(text) => Some(&mut text.text),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Cuts that text to `max`.
pub(super) fn cut_text(block: &mut SlackBlock, max: usize) {
    let foreign = matches!(block, SlackBlock::Markdown(_) | SlackBlock::RichText(_));
    if let Some(text) = text_of(block) {
        *text = if foreign { escape::literal(text, max) } else { cut_mrkdwn(text, max) };
    }
}
