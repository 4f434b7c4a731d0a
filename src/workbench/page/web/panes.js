// A channel, and a thread beside it: their heads, their messages, their composers.

import { Composer } from "./composer.js";
import { fill, h, icon } from "./dom.js";
import { showMessages } from "./messages.js";
import { confirm } from "./notice.js";
import { mrkdwn } from "./mrkdwn.js";
import { propose } from "./side.js";

export class ChannelPane {
  constructor(app, id) {
    Object.assign(this, { app, id });
    this.head = h("header", { class: "pane-head" });
    this.list = messageList("Messages");
    this.empty = h("div");
    this.foot = h("footer", { class: "pane-foot" });
    this.node = h("div", { class: "pane" }, this.head, this.empty, this.list, this.foot);
  }

  show(channel) {
    if (!channel) return;
    const roots = channel.messages.filter((m) => !m.thread || m.thread === m.ts);
    this.showHead(channel);
    this.showFoot(channel);
    this.list.hidden = !roots.length;
    if (roots.length) fill(this.empty);
    else this.showEmpty(channel);
    showMessages(this.list, roots, { ...surroundings(this.app, channel), inThread: false, repliesTo: (m) => replies(channel, m) });
  }

  showHead(channel) {
    const mark = JSON.stringify([channel.name, channel.topic, channel.members, channel.botIn]);
    if (mark === this.headMark) return;
    this.headMark = mark;
    const people = channel.members?.length ?? 0;
    const topic = channel.topic && h("p", { class: "topic muted" }, mrkdwn(channel.topic, this.app.names));
    const absent = channel.kind !== "dm" && !channel.botIn && channel.member;
    const invite = absent && h("button", { type: "button", class: "button", onclick: () => this.app.act("invite", { channel: channel.id, user: this.app.bot.user }) }, `Invite ${this.app.bot.name}`);
    fill(this.head,
      h("a", { class: "ghost back", href: "#/", "aria-label": "All channels" }, icon("back")),
      h("div", { class: "grow" }, h("h1", {}, icon(channel.kind === "private" ? "lock" : channel.kind === "dm" ? "reply" : "hash"), this.app.nameOf(channel)), topic),
      invite, channel.kind !== "dm" && h("span", { class: "muted small members" }, people === 1 ? "1 member" : `${people} members`));
  }

  showFoot(channel) {
    const mark = `${this.app.me}/${channel.member}`;
    if (mark === this.footMark) return;
    this.footMark = mark;
    if (!channel.member) {
      const join = () => this.app.act("invite", { channel: channel.id, user: this.app.me });
      fill(this.foot, h("div", { class: "note" }, h("span", { class: "grow" }, "You are not in this channel."), h("button", { type: "button", class: "button primary", onclick: join }, "Join")));
      return;
    }
    const label = channel.kind === "dm" ? `Message ${this.app.bot.name}` : `Message #${channel.name}, or /devtask new …`;
    this.composer = new Composer({ key: `${this.app.me}/${this.id}`, label }, this.app.drafts, (text) => this.app.say(this.id, null, text), () => known(this.app));
    fill(this.foot, this.composer.node);
  }

  showEmpty(channel) {
    const mark = JSON.stringify([channel.name, this.app.hints]);
    if (mark === this.emptyMark && this.empty.childElementCount) return;
    this.emptyMark = mark;
    const bot = this.app.bot.name;
    const start = "/devtask new ";
    const offers = this.app.hints.length ? this.app.hints : [{ label: start + "…", text: start }, { label: "/devtask help", text: "/devtask help" }];
    const chip = (o) => h("button", { type: "button", class: "button", onclick: () => propose(this.app, o.text) }, o.label);
    fill(this.empty, h("div", { class: "empty" }, icon(channel.kind === "dm" ? "reply" : "hash"),
      h("h3", {}, channel.kind === "dm" ? `Only you and ${bot}` : `This is the beginning of #${channel.name}`),
      h("p", {}, `Give ${bot} something to do: type /devtask new and what you want, or mention @${bot}. It works in a thread, asks when it must choose, and ends with a pull request.`),
      h("div", { class: "chips" }, offers.map(chip))));
  }
}

export class ThreadPane {
  constructor(app, channel, ts) {
    Object.assign(this, { app, channel, ts });
    this.id = `${channel}/${ts}`;
    this.list = messageList("Thread");
    const back = `#/c/${channel}`;
    this.composer = new Composer({ key: `${app.me}/${this.id}`, label: "Reply…" }, app.drafts, (text) => app.say(channel, ts, text), () => ({ ...known(app), commands: [] }));
    this.name = h("p", { class: "topic muted" });
    this.node = h("div", { class: "pane" },
      h("header", { class: "pane-head" }, h("a", { class: "ghost back", href: back, "aria-label": "Back to the channel" }, icon("back")),
        h("div", { class: "grow" }, h("h1", {}, "Thread"), this.name), h("a", { class: "ghost shut", href: back, "aria-label": "Close the thread" }, icon("close"))),
      this.list, h("footer", { class: "pane-foot" }, this.composer.node));
  }

  show(channel) {
    this.name.textContent = this.app.titleOf(channel);
    const messages = channel.messages.filter((m) => m.ts === this.ts || m.thread === this.ts);
    showMessages(this.list, messages, { ...surroundings(this.app, channel), inThread: true });
  }
}

function surroundings(app, channel) {
  return {
    people: app.people, names: app.names, confirm, shortcuts: app.seen.shortcuts, peopleMark: app.people.size,
    pad: (message) => app.pad(channel.id, message),
    open: (ts) => { location.hash = `#/c/${channel.id}/t/${ts}`; },
    shortcut: (callback, message) => app.act("shortcut", { callback, channel: channel.id, ts: message.ts }),
  };
}

/** What hangs below a message. */
function replies(channel, message) {
  const below = channel.messages.filter((m) => m.thread === message.ts && m.ts !== message.ts);
  return { count: below.length, last: below.at(-1)?.ts, users: [...new Set(below.map((m) => m.user))] };
}

/** What completion offers. */
function known(app) {
  const sessions = new Map();
  for (const channel of app.seen.channels) {
    for (const message of channel.messages) {
      const id = message.bot && !message.thread && /\bdt-\d+\b/.exec(message.text ?? "")?.[0];
      if (id) sessions.set(id, { id, title: message.text.slice(0, 60) });
    }
  }
  const users = [...app.people.values()].sort((a, b) => (b.kind === "bot") - (a.kind === "bot"));
  return { commands: app.seen.commands ?? [], users, sessions: [...sessions.values()].reverse() };
}

/** Arrows walk from message to message, Enter opens the thread. */
function messageList(label) {
  const list = h("ol", { class: "messages", tabindex: "0", "aria-label": label });
  list.addEventListener("keydown", (event) => {
    const row = document.activeElement?.closest?.(".message");
    if (event.target !== list && event.target !== row) return;
    const rows = [...list.querySelectorAll(".message")];
    const at = rows.indexOf(row);
    const to = { ArrowUp: at < 0 ? rows.length - 1 : at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (event.key === "Enter" && row) row.querySelector("[data-focus=replies], [data-focus=reply]")?.click();
    if (to === undefined || !rows[to]) return;
    event.preventDefault();
    rows[to].tabIndex = -1;
    rows[to].focus();
  });
  return list;
}

export function notFound(known, pull) {
  return h("div", { class: "empty" }, icon("pull"), h("h3", {}, known ? "No such pull request" : "Looking…"), h("p", {}, known ? `The forge has no ${pull}.` : ""));
}
