// Pull requests as the forge has them: the list, and one with its words, its evidence and its diff. Read only.

import { counts, parse, showDiff } from "./diff.js";
import { h, icon } from "./dom.js";
import { markdown } from "./markdown.js";
import { ago, full } from "./time.js";

export const pullPath = (pull) => `#/pull/${pull.repo}/${pull.number}`;

/** Where on this page an address of the forge is shown; `null` = nowhere. */
export function here(url, pulls) {
  const found = pulls.find((pull) => pull.url === url);
  return found ? pullPath(found) : null;
}

function state(pull) {
  const word = pull.draft && pull.state === "open" ? "draft" : pull.state;
  return h("span", { class: `state ${word}` }, icon("pull"), word[0].toUpperCase() + word.slice(1));
}

export function pullList(pulls) {
  if (!pulls.length) return nothing();
  const newest = [...pulls].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  return h("ul", { class: "pulls" }, newest.map((pull) => h("li", {},
    h("a", { class: "pull-row", href: pullPath(pull) },
      state(pull),
      h("span", { class: "grow" }, h("strong", {}, h("bdi", {}, pull.title)), h("span", { class: "muted small block" }, `${pull.repo} #${pull.number} · ${pull.head} · ${ago(new Date(pull.createdAt))}`)),
      h("span", { class: "small" }, counts(parse(pull.diff)))))));
}

function nothing() {
  return h("div", { class: "empty" }, icon("pull"), h("h3", {}, "No pull request yet"),
    h("p", {}, "When a session is done and its checks have passed, what it made stands here: the diff, and what proves it."));
}

export function pullPage(pull) {
  const files = parse(pull.diff);
  const at = new Date(pull.createdAt);
  const changed = files.length === 1 ? "1 file changed" : `${files.length} files changed`;
  return h("article", { class: "pull" },
    h("header", {},
      h("h2", {}, h("bdi", {}, pull.title), h("span", { class: "muted" }, ` #${pull.number}`)),
      h("p", { class: "pull-line" }, state(pull), h("span", {}, h("strong", {}, pull.author), " wants to bring ", h("code", {}, pull.head), " into ", h("code", {}, pull.base)),
        h("time", { class: "muted", datetime: pull.createdAt, title: full(at) }, ago(at)))),
    h("section", { class: "card prose", "aria-label": "Description and evidence" }, markdown(pull.body, {})),
    pull.comments.map((c) => h("section", { class: "card prose", "aria-label": `Comment of ${c.author}` }, h("p", { class: "muted small" }, c.author), markdown(c.body, {}))),
    h("h3", { class: "diff-title" }, changed, " ", h("span", { class: "small" }, counts(files)), h("code", { class: "muted small" }, `${pull.baseSha.slice(0, 8)}…${pull.headSha.slice(0, 8)}`)),
    showDiff(pull.diff));
}
