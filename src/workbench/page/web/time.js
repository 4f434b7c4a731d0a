// Times in the person's own language and zone. Knows Slack's date tokens; must not know where they stand.

const day = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
const format = (at, options) => new Intl.DateTimeFormat(undefined, options).format(at);

/** A message's `ts` as a moment. */
export function moment(ts) {
  return new Date(Number(ts) * 1000);
}

export function clock(at) {
  return format(at, { hour: "numeric", minute: "2-digit" });
}

export function full(at) {
  return format(at, { dateStyle: "full", timeStyle: "medium" });
}

/** "Today", "Yesterday" or the date. */
export function dayName(at, now = new Date()) {
  const days = Math.round((day(now) - day(at)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days === -1) return "Tomorrow";
  return format(at, { weekday: "long", day: "numeric", month: "long" });
}

/** "3 minutes ago", "in 2 hours". */
export function ago(at, now = new Date()) {
  const seconds = (at - now) / 1000;
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** How long something took: "0.8 s", "1 min 5 s". */
export function span(ms) {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

function pretty(at, long) {
  const days = Math.round((day(new Date()) - day(at)) / 86_400_000);
  return Math.abs(days) <= 1 ? dayName(at).toLowerCase() : long;
}

const TOKENS = {
  date_num: (at) => format(at, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: (at) => format(at, { dateStyle: "long" }),
  date_short: (at) => format(at, { dateStyle: "medium" }),
  date_long: (at) => format(at, { dateStyle: "full" }),
  date_pretty: (at) => pretty(at, TOKENS.date(at)),
  date_short_pretty: (at) => pretty(at, TOKENS.date_short(at)),
  date_long_pretty: (at) => pretty(at, TOKENS.date_long(at)),
  time: clock,
  time_secs: (at) => format(at, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (at) => ago(at),
};

/** Slack's `<!date^…>` in the person's words; `null` where the moment or a token is none. */
export function tokens(seconds, template) {
  const at = new Date(Number(seconds) * 1000);
  if (!/^\d{1,12}$/.test(seconds) || Number.isNaN(at.getTime())) return null;
  let known = true;
  const text = template.replace(/\{(\w+)\}/g, (_, name) => {
    if (Object.hasOwn(TOKENS, name)) return TOKENS[name](at);
    known = false;
    return "";
  });
  return known ? { text, at } : null;
}
