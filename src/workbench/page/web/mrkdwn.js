// Slack's mrkdwn as nodes. Knows its grammar and its limits; must not know blocks.
// Foreign text lands in text nodes alone; an address is followed only where `safeUrl` lets it.

import { h, safeUrl } from "./dom.js";
import { emoji } from "./emoji.js";
import { full, tokens } from "./time.js";

const DEEPEST = 8;
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const MARKS = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}_]/u;

/** Slack escapes exactly these three. */
export function decode(text) {
  return text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);
}

/** As a person types it → as Slack carries it. */
export function encode(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** Emoji names, nothing else. */
export function plain(text) {
  return emoji(decode(String(text ?? "")));
}

/** `names`: `{user(id), channel(id), link(url)}`, what ids and addresses are called here. */
export function mrkdwn(text, names) {
  const out = [];
  String(text ?? "").split("```").forEach((part, n, parts) => {
    const closed = n % 2 === 1 && n < parts.length - 1;
    if (closed) out.push(h("pre", {}, h("code", {}, decode(part.replace(/^\n|\n$/g, "")))));
    else if (part) out.push(...lines(n % 2 === 1 ? "```" + part : part, names));
  });
  return out;
}

function lines(text, names) {
  const out = [];
  let quote = null;
  text.replace(/^\n|\n$/g, "").split("\n").forEach((line, n) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/s.exec(line);
    if (quoted) {
      if (!quote) out.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(quoted[1], names, 0));
      return;
    }
    if (n > 0 && !quote) out.push(h("br"));
    quote = null;
    out.push(...inline(line, names, 0));
  });
  return out;
}

/** One line. */
function inline(text, names, depth) {
  const out = [];
  const hopeless = {};
  let said = "";
  const flush = () => { if (said) out.push(plain(said)); said = ""; };
  for (let i = 0; i < text.length; ) {
    const found = code(text, i) ?? angle(text, i, names) ?? marked(text, i, names, depth, hopeless);
    if (found) {
      flush();
      out.push(found.node);
      i = found.end;
    } else said += text[i++];
  }
  flush();
  return out;
}

function code(text, i) {
  const end = text[i] === "`" ? text.indexOf("`", i + 1) : -1;
  return end > i + 1 ? { node: h("code", {}, decode(text.slice(i + 1, end))), end: end + 1 } : null;
}

function marked(text, i, names, depth, hopeless) {
  const mark = text[i];
  const tag = MARKS[mark];
  if (!tag || depth >= DEEPEST || hopeless[mark] || !opens(text, i)) return null;
  const end = closing(text, i, mark);
  if (end < 0) {
    hopeless[mark] = true;
    return null;
  }
  return { node: h(tag, {}, inline(text.slice(i + 1, end), names, depth + 1)), end: end + 1 };
}

function opens(text, i) {
  const before = text[i - 1];
  const after = text[i + 1];
  return after !== undefined && !/\s/.test(after) && after !== text[i] && (before === undefined || !WORD.test(before));
}

function closing(text, from, mark) {
  for (let j = from + 1; j < text.length; j++) {
    if (text[j] === "`" || text[j] === "<") {
      const end = text.indexOf(text[j] === "`" ? "`" : ">", j + 1);
      if (end > 0) j = end;
    } else if (text[j] === mark && j > from + 1 && !/\s/.test(text[j - 1])) {
      if (text[j + 1] === undefined || !WORD.test(text[j + 1])) return j;
    }
  }
  return -1;
}

/** `<…>`: a mention, a date or a link. Slack makes these only of what an app or a person meant so. */
function angle(text, i, names) {
  const end = text[i] === "<" ? text.indexOf(">", i + 1) : -1;
  if (end < i + 2) return null;
  const inside = text.slice(i + 1, end);
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : inside.slice(bar + 1);
  const node = token(target, label, names);
  return node && { node, end: end + 1 };
}

function token(target, label, names) {
  if (target.startsWith("@")) return h("span", { class: "mention" }, `@${names.user(target.slice(1)) ?? target.slice(1)}`);
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${names.channel(target.slice(1)) ?? (decode(label) || target.slice(1))}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return h("span", { class: "mention loud" }, `@${target.slice(1).split("^")[0]}`);
  const url = safeUrl(decode(target));
  return url && anchor(url, label ? plain(label) : decode(target), names);
}

function date(target, label) {
  const [, seconds, template] = target.split("^");
  const found = tokens(seconds, decode(template ?? ""));
  if (!found) return document.createTextNode(decode(label));
  return h("time", { datetime: found.at.toISOString(), title: full(found.at) }, found.text);
}

/** A link; one that leads to something this page can show leads there. */
export function anchor(url, label, names) {
  const here = names.link?.(url);
  if (here) return h("a", { href: here }, label);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label);
}
