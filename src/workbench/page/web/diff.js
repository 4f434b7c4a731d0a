// A unified diff as tables, a file each. Knows its grammar; added and removed are told by their sign, colour is extra.

import { h } from "./dom.js";

const MOST_LINES = 3_000;

/** `[{path, added, removed, note, hunks: [{head, lines: [{sign, text, old, now}]}]}]` */
export function parse(diff) {
  const files = [];
  let file = null;
  let hunk = null;
  for (const line of String(diff ?? "").split("\n")) {
    if (line.startsWith("diff --git ")) {
      file = { path: /^diff --git a\/.* b\/(.*)$/.exec(line)?.[1] ?? line.slice(11), added: 0, removed: 0, note: "", hunks: [] };
      files.push(file);
      hunk = null;
    } else if (file && line.startsWith("@@")) {
      hunk = begin(line);
      if (hunk) file.hunks.push(hunk);
    } else if (hunk) take(file, hunk, line);
    else if (file) header(file, line);
  }
  return files;
}

function begin(line) {
  const found = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/.exec(line);
  return found && { head: found[5].trim(), old: Number(found[1]), now: Number(found[3]), lines: [] };
}

function header(file, line) {
  if (line.startsWith("+++ b/")) file.path = line.slice(6);
  else if (line.startsWith("new file")) file.note = "new";
  else if (line.startsWith("deleted file")) file.note = "deleted";
  else if (line.startsWith("rename from ")) file.note = `renamed from ${line.slice(12)}`;
  else if (line.startsWith("Binary files")) file.note = "binary";
}

function take(file, hunk, line) {
  const sign = line[0];
  const text = line.slice(1);
  if (sign === "+") { file.added++; hunk.lines.push({ sign, text, now: hunk.now++ }); }
  else if (sign === "-") { file.removed++; hunk.lines.push({ sign, text, old: hunk.old++ }); }
  else if (sign === " ") hunk.lines.push({ sign, text, old: hunk.old++, now: hunk.now++ });
  else if (sign === "\\") hunk.lines.push({ sign, text: line.slice(2) });
}

export function showDiff(diff) {
  const files = parse(diff);
  if (!files.length) return h("p", { class: "muted" }, "Nothing is changed.");
  let left = MOST_LINES;
  return h("div", { class: "diff" }, files.map((file) => {
    const shown = fileBox(file, left);
    left -= file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
    return shown;
  }));
}

/** "+3 −1", with words for who does not see it. */
export function counts(files) {
  const sum = (name) => files.reduce((all, file) => all + file[name], 0);
  return [h("span", { class: "plus", "aria-label": `${sum("added")} lines added` }, `+${sum("added")}`), " ",
    h("span", { class: "minus", "aria-label": `${sum("removed")} lines removed` }, `−${sum("removed")}`)];
}

function fileBox(file, left) {
  const note = file.note && h("span", { class: "tag" }, file.note);
  const head = h("summary", {}, h("code", { class: "grow" }, file.path), note, h("span", { class: "small" }, counts([file])));
  if (left <= 0) return h("details", {}, head, h("p", { class: "muted pad" }, "The diff is too long to be shown whole."));
  const lines = file.hunks.flatMap((hunk) => [hunkRow(hunk), ...hunk.lines.map(lineRow)]).slice(0, left);
  const table = h("table", {}, h("tbody", {}, lines));
  const inside = lines.length ? h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": `Changes in ${file.path}` }, table) : h("p", { class: "muted pad" }, "No lines to show.");
  return h("details", { open: true }, head, inside);
}

function hunkRow(hunk) {
  return h("tr", { class: "hunk" }, h("td", { colspan: "4" }, `Line ${hunk.lines.find((l) => l.now)?.now ?? hunk.now} ${hunk.head}`.trim()));
}

const LOOKS = { "+": "added", "-": "removed", " ": "same", "\\": "remark" };

function lineRow({ sign, text, old, now }) {
  return h("tr", { class: LOOKS[sign] }, h("td", { class: "no" }, old ?? ""), h("td", { class: "no" }, now ?? ""),
    h("td", { class: "sign" }, sign === "-" ? "−" : sign === "\\" ? "" : sign), h("td", { class: "code" }, text));
}
