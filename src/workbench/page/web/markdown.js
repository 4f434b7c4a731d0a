// Standard Markdown as nodes: Slack's `markdown` block and the bodies of pull requests.
// Knows the grammar people and agents really write. HTML in it is text, as everything foreign is.

import { h, safeUrl } from "./dom.js";
import { emoji } from "./emoji.js";
import { anchor } from "./mrkdwn.js";

const DEEPEST = 8;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function markdown(text, names) {
  return blocks(String(text ?? "").replace(/\r\n?/g, "\n").split("\n"), names, 0);
}

function blocks(lines, names, depth) {
  const out = [];
  let i = 0;
  while (i < lines.length) {
    if (!lines[i].trim()) { i++; continue; }
    const made = fence(lines, i) ?? heading(lines, i, names) ?? rule(lines, i) ?? nested(lines, i, names, depth)
      ?? table(lines, i, names) ?? paragraph(lines, i, names);
    out.push(made.node);
    i = made.end;
  }
  return out;
}

function fence(lines, i) {
  const open = FENCE.exec(lines[i]);
  if (!open) return null;
  let end = i + 1;
  const closes = (line) => line.trim().startsWith(open[1]) && !line.trim().replaceAll(open[1][0], "");
  while (end < lines.length && !closes(lines[end])) end++;
  return { node: h("pre", {}, h("code", {}, lines.slice(i + 1, end).join("\n"))), end: end + 1 };
}

function heading(lines, i, names) {
  const found = HEADING.exec(lines[i]);
  // Inside a message nothing is the page's own title.
  return found && { node: h(`h${Math.min(6, found[1].length + 2)}`, {}, inline(found[2], names, 0)), end: i + 1 };
}

function rule(lines, i) {
  return RULE.test(lines[i]) ? { node: h("hr"), end: i + 1 } : null;
}

function nested(lines, i, names, depth) {
  if (depth >= DEEPEST) return null;
  return quote(lines, i, names, depth) ?? list(lines, i, names, depth);
}

function quote(lines, i, names, depth) {
  if (!QUOTE.test(lines[i])) return null;
  let end = i;
  while (end < lines.length && QUOTE.test(lines[end])) end++;
  const inner = lines.slice(i, end).map((line) => QUOTE.exec(line)[1]);
  return { node: h("blockquote", {}, blocks(inner, names, depth + 1)), end };
}

function list(lines, i, names, depth) {
  const first = ITEM.exec(lines[i]);
  if (!first) return null;
  const indent = first[1].length;
  const ordered = /\d/.test(first[2]);
  const box = h(ordered ? "ol" : "ul", ordered && parseInt(first[2], 10) !== 1 ? { start: parseInt(first[2], 10) } : {});
  let end = i;
  while (end < lines.length) {
    const found = ITEM.exec(lines[end]);
    if (!found || found[1].length !== indent || /\d/.test(found[2]) !== ordered) break;
    let last = end + 1;
    while (last < lines.length && belongs(lines, last, indent)) last++;
    box.append(item(found[3], lines.slice(end + 1, last), names, depth));
    end = last;
  }
  return { node: box, end };
}

/** Whether a line goes on with the item above: deeper, or lazily at the margin without opening something new. */
function belongs(lines, at, indent) {
  const line = lines[at];
  const deep = /^\s*/.exec(line)[0].length > indent;
  if (!line.trim()) return at + 1 < lines.length && /^\s*/.exec(lines[at + 1])[0].length > indent && !!lines[at + 1].trim();
  return deep || !(ITEM.test(line) || HEADING.test(line) || FENCE.test(line) || RULE.test(line) || QUOTE.test(line) || !lines[at - 1].trim());
}

function item(text, rest, names, depth) {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(text);
  const margin = Math.min(...rest.filter((l) => l.trim()).map((l) => /^\s*/.exec(l)[0].length), 99);
  const body = rest.map((line) => line.slice(Math.min(margin, /^\s*/.exec(line)[0].length)));
  const lazy = body.findIndex((line) => !line.trim() || ITEM.test(line) || FENCE.test(line) || QUOTE.test(line));
  const own = lazy < 0 ? body : body.slice(0, lazy);
  const inner = lazy < 0 ? [] : blocks(body.slice(lazy), names, depth + 1);
  const words = inline([task ? task[2] : text, ...own].join("\n"), names, 0);
  if (!task) return h("li", {}, words, inner);
  const done = task[1] !== " ";
  const box = h("span", { class: done ? "task done" : "task", role: "img", "aria-label": done ? "done" : "open" }, done ? "✓" : "");
  return h("li", { class: "has-task" }, box, h("span", {}, words, inner));
}

function table(lines, i, names) {
  if (!lines[i].includes("|") || i + 1 >= lines.length || !TABLE_RULE.test(lines[i + 1]) || !lines[i + 1].includes("-")) return null;
  let end = i + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end++;
  const row = (line, tag) => h("tr", {}, cells(line).map((cell) => h(tag, tag === "th" ? { scope: "col" } : {}, inline(cell, names, 0))));
  const body = lines.slice(i + 2, end).map((line) => row(line, "td"));
  const node = h("table", {}, h("thead", {}, row(lines[i], "th")), h("tbody", {}, body));
  return { node: h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Table" }, node), end };
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));
}

function paragraph(lines, i, names) {
  let end = i + 1;
  const opens = (line) => FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);
  while (end < lines.length && lines[end].trim() && !opens(lines[end])) end++;
  return { node: h("p", {}, inline(lines.slice(i, end).map((l) => l.trimStart()).join("\n"), names, 0)), end };
}

const ESCAPED = /[!-/:-@[-`{-~]/;

function inline(text, names, depth) {
  const out = [];
  const hopeless = {};
  let said = "";
  const flush = () => { if (said) out.push(emoji(said)); said = ""; };
  for (let i = 0; i < text.length; ) {
    if (text[i] === "\\" && ESCAPED.test(text[i + 1] ?? "")) { said += text[i + 1]; i += 2; continue; }
    const found = code(text, i) ?? link(text, i, names) ?? bare(text, i, names) ?? marked(text, i, names, depth, hopeless) ?? lineEnd(text, i) ?? entity(text, i);
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
  const ticks = text[i] === "`" ? /^`+/.exec(text.slice(i, i + 20))[0] : "";
  const end = ticks ? text.indexOf(ticks, i + ticks.length) : -1;
  if (end < 0) return null;
  const inside = text.slice(i + ticks.length, end).replace(/\n/g, " ").replace(/^ (.*[^ ].*) $/, "$1");
  return { node: h("code", {}, inside), end: end + ticks.length };
}

function link(text, i, names) {
  const picture = text[i] === "!" && text[i + 1] === "[";
  if (text[i] !== "[" && !picture) return null;
  const found = /^!?\[((?:[^[\]\\\n]|\\.){0,500})\]\(([^()\s]{1,2000})(?:\s+"[^"]{0,300}")?\)/.exec(text.slice(i, i + 3000));
  const url = found && safeUrl(found[2]);
  if (!url) return null;
  const label = found[1] || url;
  return { node: anchor(url, picture ? `image: ${label}` : inline(label, names, DEEPEST), names), end: i + found[0].length };
}

function bare(text, i, names) {
  if (text[i] !== "h" && text[i] !== "<") return null;
  if (i > 0 && /[\w]/.test(text[i - 1])) return null;
  const found = /^<?(https?:\/\/[^\s<>"'`]{1,2000}[^\s<>"'`.,;:!?)\]}*_])>?/.exec(text.slice(i, i + 2100));
  return found && { node: anchor(found[1], found[1], names), end: i + found[0].length };
}

function marked(text, i, names, depth, hopeless) {
  const mark = ["**", "__", "~~", "*", "_"].find((m) => text.startsWith(m, i));
  if (!mark || depth >= DEEPEST || hopeless[mark]) return null;
  const before = text[i - 1] ?? " ";
  const after = text[i + mark.length] ?? " ";
  if (/\s/.test(after) || (mark.includes("_") && /\w/.test(before))) return null;
  const end = closing(text, i + mark.length, mark);
  if (end < 0) {
    hopeless[mark] = true;
    return null;
  }
  const tag = mark === "~~" ? "s" : mark.length === 2 ? "strong" : "em";
  return { node: h(tag, {}, inline(text.slice(i + mark.length, end), names, depth + 1)), end: end + mark.length };
}

function closing(text, from, mark) {
  for (let j = from + 1; j < text.length; j++) {
    if (text[j] === "\\") j++;
    else if (text[j] === "`") {
      const end = text.indexOf("`", j + 1);
      if (end > 0) j = end;
    } else if (text.startsWith(mark, j) && !/\s/.test(text[j - 1])) {
      const longer = mark.length === 1 && (text[j + 1] === mark || text[j - 1] === mark);
      if (!longer && !(mark.includes("_") && /\w/.test(text[j + mark.length] ?? " "))) return j;
    }
  }
  return -1;
}

function lineEnd(text, i) {
  return text[i] === "\n" ? { node: h("br"), end: i + 1 } : null;
}

const ENTITY = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0" };

function entity(text, i) {
  const found = text[i] === "&" ? /^&(amp|lt|gt|quot|nbsp);/.exec(text.slice(i, i + 8)) : null;
  return found && { node: document.createTextNode(ENTITY[found[1]]), end: i + found[0].length };
}
