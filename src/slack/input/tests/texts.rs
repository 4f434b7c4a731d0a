//! Slack's marks as people read them.

use super::super::plain;
use super::super::text::without_mention;

#[test]
fn marks_become_what_people_read() {
    let table = [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("ask <@U024|ana> or <@U025>", "ask @ana or @U025"),
        ("see <#C1|general> and <#C2>", "see #general and #C2"),
        ("<!here> <!channel|channel> <!subteam^S1|@ops>", "@here channel @ops"),
        ("due <!date^1392734382^{date}|18 Feb>", "due 18 Feb"),
        ("<https://x.org/a?b=1&amp;c=2|x.org>", "https://x.org/a?b=1&c=2"),
        ("<mailto:a@b.org|a@b.org> <tel:+1>", "a@b.org +1"),
        ("1 < 2 > 0, Vec<u8>, <>, <@>, <nothing|here>", "1 < 2 > 0, Vec<u8>, <>, <@>, <nothing|here>"),
        ("<a <https://x.org>", "<a https://x.org"),
        ("a\0b\u{7}c\r\nd\te", "abc\nd\te"),
    ];
    for (sent, read) in table {
        assert_eq!(plain(sent), read, "{sent}");
    }
}

#[test]
fn an_escaped_mark_is_text_and_stays_text() {
    assert_eq!(plain("&lt;!channel&gt; &lt;@U024&gt;"), "<!channel> <@U024>");
    assert_eq!(plain("&amp;lt;!channel&amp;gt;"), "&lt;!channel&gt;");
}

#[test]
fn forty_thousand_open_brackets_are_read_at_once() {
    let text = "<".repeat(40_000);
    assert_eq!(plain(&text), text);
    let mentions = "<@UBOT".repeat(7_000);
    assert_eq!(without_mention(&mentions, "UBOT"), None);
}

#[test]
fn only_the_bots_own_mention_is_taken_out() {
    let out = |text| without_mention(text, "UBOT");
    assert_eq!(out("<@UBOT> fix it").as_deref(), Some("fix it"));
    assert_eq!(out("<@UBOT|devtask>: fix it").as_deref(), Some("fix it"));
    assert_eq!(out("please <@UBOT> fix it").as_deref(), Some("please fix it"));
    assert_eq!(out("fix it <@UBOT>").as_deref(), Some("fix it"));
    assert_eq!(out("<@UBOT>").as_deref(), Some(""));
    assert_eq!(out("<@UBOT2> fix it"), None);
    assert_eq!(out("<@U1> fix it"), None);
    assert_eq!(without_mention("<@> fix it", ""), None);
}
