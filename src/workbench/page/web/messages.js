// Messages as rows: who, when, what, and what can be done with them. Knows a channel's list and a thread's; must not
// know where clicks go.

import { renderBlocks } from "./blocks.js";
import { h, icon, keep } from "./dom.js";
import { avatar } from "./people.js";
import { mrkdwn } from "./mrkdwn.js";
import { clock, dayName, full, moment } from "./time.js";

const TOGETHER = 5 * 60;

/**
 * Brings a list of messages up to date and stays at its end where it was.
 * `it`: {channel, people, names, pad(message), confirm, open(thread), shortcut(callback, message), inThread, shortcuts}
 */
export function showMessages(list, messages, it) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const fresh = list.childElementCount === 0;
  keep(list, rows(messages, it), {
    key: (row) => row.key,
    mark: (row) => JSON.stringify([row.message ?? row.day, row.joined, row.replies, it.peopleMark]),
    make: (row) => (row.day ? dayRow(row.day) : messageRow(row, it)),
  });
  if (atEnd || fresh) list.scrollTop = list.scrollHeight;
}

/** Days between the messages; what one person says in one go stands together. */
function rows(messages, it) {
  const out = [];
  let before = null;
  for (const message of messages) {
    const day = dayName(moment(message.ts));
    if (!it.inThread && (!before || dayName(moment(before.ts)) !== day)) {
      out.push({ key: `day-${day}`, day });
      before = null;
    }
    const joined = !!before && before.user === message.user && before.onlyYou === message.onlyYou && Number(message.ts) - Number(before.ts) < TOGETHER;
    out.push({ key: message.ts, message, joined, replies: it.inThread ? null : it.repliesTo(message) });
    before = message;
  }
  return out;
}

function dayRow(day) {
  return h("li", { class: "day" }, h("span", {}, day));
}

function messageRow(row, it) {
  const { message, joined } = row;
  const person = it.people.get(message.user) ?? { id: message.user, name: message.name };
  const at = moment(message.ts);
  const kind = ["message", message.bot && "of-app", joined && "joined", message.onlyYou && "only-you"].filter(Boolean).join(" ");
  const head = !joined && h("div", { class: "message-head" }, h("span", { class: "who" }, message.name), message.bot && h("span", { class: "tag" }, "APP"), stamp(at));
  const side = joined ? h("div", { class: "side" }, stamp(at)) : h("div", { class: "side" }, avatar(person));
  return h("li", { class: kind, "data-ts": message.ts }, side,
    h("div", { class: "message-body" }, message.onlyYou && onlyYou(), head, body(message, it), files(message), reactions(message, it), repliesLink(row, it)),
    tools(row, it));
}

function stamp(at) {
  return h("time", { class: "stamp", datetime: at.toISOString(), title: full(at) }, clock(at));
}

function onlyYou() {
  return h("div", { class: "only-you-mark" }, icon("eye"), "Only visible to you");
}

function body(message, it) {
  if (message.deleted) return h("p", { class: "muted" }, "This message was deleted.");
  const ctx = { names: it.names, pad: it.pad(message), confirm: it.confirm, errors: {}, id: `m${message.ts}${it.inThread ? "t" : ""}` };
  if (message.blocks?.length) return h("div", { class: "blocks" }, renderBlocks(message.blocks, ctx));
  const edited = message.edited && h("span", { class: "muted small" }, " (edited)");
  return h("div", { class: "prose" }, mrkdwn(message.text, it.names), edited);
}

function files(message) {
  const shown = (message.files ?? []).map((f) => h("li", {}, icon("file"), f.name, h("span", { class: "muted small" }, ` ${f.size} bytes`)));
  return shown.length > 0 && h("ul", { class: "files" }, shown);
}

function reactions(message, it) {
  const shown = (message.reactions ?? []).map((r) => {
    const who = r.users.map((u) => it.names.user(u) ?? u).join(", ");
    return h("li", { title: who }, mrkdwn(`:${r.name}:`, it.names), h("span", {}, String(r.users.length)));
  });
  return shown.length > 0 && h("ul", { class: "reactions", "aria-label": "Reactions" }, shown);
}

function repliesLink({ message, replies }, it) {
  if (!replies?.count) return null;
  const words = replies.count === 1 ? "1 reply" : `${replies.count} replies`;
  const faces = replies.users.slice(0, 3).map((id) => avatar(it.people.get(id) ?? { id, name: id }, "tiny"));
  return h("button", { type: "button", class: "replies", "data-focus": "replies", onclick: () => it.open(message.ts) },
    h("span", { class: "faces" }, faces), h("span", { class: "link-like" }, words), h("span", { class: "muted small" }, `last at ${clock(moment(replies.last))}`));
}

/** At the message's corner, when it is pointed at or has the focus. */
function tools({ message }, it) {
  if (it.inThread || message.onlyYou || message.deleted) return null;
  const reply = h("button", { type: "button", class: "ghost", "aria-label": "Reply in thread", title: "Reply in thread", "data-focus": "reply", onclick: () => it.open(message.ts) }, icon("reply"));
  const shortcuts = (it.shortcuts ?? []).map((s) => h("button", { type: "button", class: "ghost small shortcut", "data-focus": s.callbackId, onclick: () => it.shortcut(s.callbackId, message) }, s.name));
  return h("div", { class: "tools" }, reply, shortcuts);
}
