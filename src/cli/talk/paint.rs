//! How words look on a terminal: colours, ages, money, and foreign text made harmless.
//!
//! Must not know what is said.

use crate::domain::Time;

/// The reader's side: colours or not, how wide, and what time it is there.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub colour: bool,
    pub width: u16,
    pub now: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Cyan,
}

impl Look {
    pub(super) fn paint(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => 1,
            Ink::Dim => 2,
            Ink::Red => 31,
            Ink::Green => 32,
            Ink::Yellow => 33,
            Ink::Blue => 34,
            Ink::Cyan => 36,
        };
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For marks of other verbs.
    pub fn good(&self, text: &str) -> String {
        self.paint(Ink::Green, text)
    }

    pub fn odd(&self, text: &str) -> String {
        self.paint(Ink::Yellow, text)
    }

    pub fn bad(&self, text: &str) -> String {
        self.paint(Ink::Red, text)
    }

    /// `3 m`, `2 h`, `5 d`: how long ago, or how long until.
    pub(super) fn span(&self, at: Time) -> String {
        let seconds = (self.now - at).num_seconds().abs();
        match seconds {
            0..60 => format!("{seconds} s"),
            60..3_600 => format!("{} m", seconds / 60),
            3_600..172_800 => format!("{} h", seconds / 3_600),
            _ => format!("{} d", seconds / 86_400),
        }
    }
}

/// Foreign text for a terminal: no escape sequence gets through, nor anything that turns the reading direction.
/// Line ends and tabs stay.
pub fn clean(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| if (c.is_control() && c != '\n' && c != '\t') || turns(c) { '\u{fffd}' } else { c })
        .collect()
}

/// One line of foreign text, at most `max` characters.
pub(super) fn line(text: &str, max: usize) -> String {
    crate::domain::brief::one_line(&clean(text).replace('\t', " "), max)
}

/// Millionths of a dollar.
pub(super) fn money(micro_usd: u64) -> String {
    format!("${}.{:02}", micro_usd / 1_000_000, micro_usd % 1_000_000 / 10_000)
}

/// `12.4k`, `3.1M`.
pub(super) fn count(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `3.1 s`, `2 m 5 s`.
pub(super) fn lasting(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} m {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}
