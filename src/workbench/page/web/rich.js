// `rich_text` blocks as nodes. Knows their elements; nothing in them is parsed, which is what they are for.

import { h, safeUrl } from "./dom.js";
import { emoji } from "./emoji.js";
import { anchor } from "./mrkdwn.js";
import { full, tokens } from "./time.js";

const STYLES = { code: "code", strike: "s", italic: "em", bold: "strong", underline: "u" };

export function richText(block, names) {
  return (block.elements ?? []).map((element) => part(element, names));
}

function part(element, names) {
  const inside = () => (element.elements ?? []).map((e) => leaf(e, names));
  switch (element.type) {
    case "rich_text_section": return h("div", { class: "rich" }, inside());
    case "rich_text_preformatted": return h("pre", { tabindex: "0" }, h("code", {}, inside()));
    case "rich_text_quote": return h("blockquote", {}, inside());
    case "rich_text_list": return list(element, names);
    default: return h("div", { class: "rich muted" }, `(${element.type ?? "nothing"} is not shown here)`);
  }
}

function list(element, names) {
  const items = (element.elements ?? []).map((section) => h("li", {}, part(section, names)));
  const indent = Math.min(8, Math.max(0, Number(element.indent) || 0));
  return h(element.style === "ordered" ? "ol" : "ul", { class: `indent-${indent}` }, items);
}

function leaf(element, names) {
  switch (element.type) {
    case "text": return styled(lines(element.text), element.style);
    case "link": return styled([link(element, names)], element.style);
    case "user": return h("span", { class: "mention" }, `@${names.user(element.user_id) ?? element.user_id}`);
    case "channel": return h("span", { class: "mention" }, `#${names.channel(element.channel_id) ?? element.channel_id}`);
    case "broadcast": return h("span", { class: "mention loud" }, `@${element.range}`);
    case "emoji": return emoji(`:${element.name}:`);
    case "date": return date(element);
    default: return element.text ?? "";
  }
}

function lines(text) {
  return String(text ?? "").split("\n").flatMap((line, n) => (n ? [h("br"), line] : [line]));
}

function link(element, names) {
  const label = element.text || element.url;
  const url = safeUrl(element.url);
  return url ? anchor(url, label, names) : label;
}

function date(element) {
  const found = tokens(String(element.timestamp), element.format ?? "{date_short} {time}");
  if (!found) return element.fallback ?? "";
  return h("time", { datetime: found.at.toISOString(), title: full(found.at) }, found.text);
}

function styled(nodes, style) {
  const on = Object.entries(STYLES).filter(([name]) => style?.[name]);
  return on.reduce((inner, [, tag]) => [h(tag, {}, inner)], nodes);
}
