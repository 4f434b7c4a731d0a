// What a person may mean while typing: commands, their verbs, sessions, people. Pure: text and caret in, offers out.

const VERBS = [
  ["new", "what should be done", "Begin a task; without a text a form opens"],
  ["list", "", "Your sessions and what they wait for"],
  ["show", "dt-1", "One session: its checks, branch, pull request"],
  ["pause", "dt-1", "Let a session rest; nothing is lost"],
  ["resume", "dt-1", "Let it go on"],
  ["cancel", "dt-1", "End it; its branch is kept"],
  ["help", "", "Everything that can be typed"],
];
const TAKES_SESSION = new Set(["show", "pause", "resume", "cancel"]);
const MOST = 8;

/** `{from, to, offers: [{insert, name, more}]}`, or `null` where nothing fits. `known`: {commands, users, sessions}. */
export function complete(text, caret, known) {
  const before = text.slice(0, caret);
  return command(before, known) ?? person(before, known);
}

function command(before, known) {
  const found = /^(\/\S*)(?:( +)(\S*)(?:( +)(\S*))?)?$/.exec(before);
  if (!found) return null;
  const [, name, gap, verb = "", second, word = ""] = found;
  if (!gap) return offer(0, before, known.commands.map((c) => ({ insert: `${c} `, name: c, more: "Give DevTask something to do" })), name);
  if (!known.commands.includes(name)) return null;
  const from = name.length + gap.length;
  if (second === undefined) {
    const verbs = VERBS.map(([v, hint, more]) => ({ insert: v + (hint ? " " : ""), name: hint ? `${v} ${hint}` : v, more }));
    return offer(from, before, verbs, verb);
  }
  if (!TAKES_SESSION.has(verb)) return null;
  const sessions = known.sessions.map(({ id, title }) => ({ insert: id, name: id, more: title }));
  return offer(from + verb.length + second.length, before, sessions, word);
}

function person(before, known) {
  const found = /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(before);
  if (!found) return null;
  const people = known.users.map((u) => ({ insert: `@${u.name} `, name: `@${u.name}`, more: u.realName, also: u.realName }));
  return offer(before.length - found[1].length - 1, before, people, `@${found[1]}`);
}

function offer(from, before, all, typed) {
  const wanted = typed.toLowerCase();
  const fits = (o) => o.name.toLowerCase().startsWith(wanted) || (o.also && `@${o.also}`.toLowerCase().startsWith(wanted));
  const offers = all.filter(fits);
  const whole = offers.length === 1 && offers[0].insert.trim().toLowerCase() === wanted;
  return offers.length && !whole ? { from, to: before.length, offers: offers.slice(0, MOST) } : null;
}
