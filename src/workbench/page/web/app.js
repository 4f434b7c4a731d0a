// Puts the page together: follows what a person sees, shows the place the address names, carries out what is done.
// Knows every part; how each looks is its own.

import * as api from "./api.js";
import { fill, h, icon } from "./dom.js";
import { Modal } from "./modal.js";
import { announce, toast } from "./notice.js";
import { Pad } from "./pad.js";
import { ChannelPane, ThreadPane, notFound } from "./panes.js";
import { pullList, pullPage } from "./pulls.js";
import { Reading } from "./reading.js";
import { sidePane } from "./side.js";
import { StageCard } from "./stage.js";
import { themeSwitch } from "./theme.js";

const ME = "devtask.me";
const PULLS_EVERY = 3_000;
const main = document.getElementById("main");
const thread = document.getElementById("thread");

class App {
  constructor() {
    this.pads = new Map();
    this.drafts = new Map();
    this.reading = new Reading();
    this.pulls = [];
    this.hints = [];
    this.up = true;
    this.theme = themeSwitch();
    this.names = { user: (id) => this.people?.get(id)?.name, channel: (id) => this.channel(id)?.name, link: pullHere };
    this.modal = new Modal((what, fields) => this.act(what, fields), this.names);
    this.stage = new StageCard(api, (stage) => this.staged(stage));
  }

  async start() {
    addEventListener("hashchange", () => this.go());
    addEventListener("keydown", (event) => this.key(event));
    document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
    await this.meet();
    this.be(sessionStorage.getItem(ME));
    this.lookAtPulls();
  }

  /** Learns who is here; the page is of no use before. */
  async meet() {
    for (let pause = 250; ; pause = Math.min(pause * 2, 4_000)) {
      try {
        const { team, bot, users } = await api.people();
        Object.assign(this, { team, bot, people: new Map(users.map((u) => [u.id, u])) });
        return;
      } catch (error) {
        fill(main, h("p", { class: "loading" }, error.message));
        await new Promise((done) => setTimeout(done, pause));
      }
    }
  }

  /** Acts as somebody from now on: their channels, their ephemeral messages, their forms. */
  be(wanted) {
    const humans = [...this.people.values()].filter((p) => p.kind !== "bot");
    this.me = (humans.find((p) => p.id === wanted) ?? humans.find((p) => p.kind === "member") ?? humans[0]).id;
    sessionStorage.setItem(ME, this.me);
    this.pads.clear();
    this.modal.show(null);
    this.following?.abort();
    this.following = new AbortController();
    this.pane = this.threadPane = undefined;
    this.seen = undefined;
    api.follow(this.me, this.following.signal, (seen) => this.see(seen), (up) => this.linked(up));
  }

  see(seen) {
    this.seen = seen;
    for (const news of this.reading.take(this.me, seen, this.place?.channel)) announce(news);
    this.show();
    this.modal.show(seen.modal ?? null);
  }

  linked(up) {
    if (up === this.up) return;
    this.up = up;
    document.getElementById("app").classList.toggle("cut-off", !up);
    if (!up) toast("The workspace does not answer. Trying again…");
    else toast("Connected again.", "news");
  }

  staged(stage) {
    if (JSON.stringify(stage.hints) === JSON.stringify(this.hints)) return;
    this.hints = stage.hints ?? [];
    if (this.seen) this.show();
  }

  /** As it is called here; who sees a direct message has it with the app. */
  nameOf(channel) {
    return channel.kind === "dm" ? this.bot.name : channel.name;
  }

  channel(id) {
    return this.seen?.channels.find((c) => c.id === id);
  }

  async lookAtPulls() {
    clearTimeout(this.pullTimer);
    try {
      const pulls = await api.pulls();
      const changed = JSON.stringify(pulls) !== JSON.stringify(this.pulls);
      this.pulls = pulls;
      this.pullsKnown = true;
      if (changed || !this.pane) this.show();
    } catch {
      // The banner says already that nothing answers.
    }
    this.pullTimer = setTimeout(() => this.lookAtPulls(), PULLS_EVERY);
  }

  /** Does something as the person; what was not done is said. `null` = it was not. */
  async act(what, fields) {
    try {
      const receipt = await api.act(this.me, what, fields);
      if (receipt?.delivery && (what === "click" || what === "shortcut")) await api.taken(receipt.delivery);
      return receipt ?? {};
    } catch (error) {
      toast(error.message);
      return null;
    }
  }

  /** Sends what was typed; refused = the composer keeps it. */
  async say(channel, threadTs, text) {
    const field = threadTs ? { thread: threadTs } : {};
    const receipt = await api.act(this.me, "say", { channel, text, ...field }).catch((error) => {
      toast(error.message);
      throw error;
    });
    if (receipt?.delivery && text.startsWith("/")) api.taken(receipt.delivery).catch((error) => toast(error.message));
  }

  /** What is typed into a message's inputs outlives its renderings. */
  pad(channel, message) {
    const key = `${channel}/${message.ts}`;
    if (!this.pads.has(key)) {
      this.pads.set(key, new Pad({ channel, ts: message.ts }, (what, fields) => this.act(what, fields), busy));
    }
    const pad = this.pads.get(key);
    pad.state = message.state ?? {};
    return pad;
  }

  async talk() {
    const known = this.seen.channels.find((c) => c.kind === "dm");
    const id = known?.id ?? (await this.act("dm", {}))?.ts;
    if (id) location.hash = `#/c/${id}`;
  }

  key(event) {
    if (event.key === "Escape" && !event.defaultPrevented && this.place?.thread) location.hash = `#/c/${this.place.channel}`;
  }

  go() {
    this.show();
    const node = this.place?.thread ? thread : main;
    if (!matchMedia("(pointer: coarse)").matches) (node.querySelector(".composer textarea") ?? node).focus();
  }

  show() {
    if (!this.seen) return;
    this.place = placeOf(location.hash, this.seen);
    document.getElementById("app").dataset.pane = this.place.pane;
    if (this.place.kind === "channel") this.reading.read(this.me, this.channel(this.place.channel));
    sidePane(document.getElementById("side"), this);
    this.showMain();
    this.showThread();
    this.showTitle();
  }

  showMain() {
    const { kind, channel, pull } = this.place;
    if (kind === "channel") {
      if (this.pane?.id !== channel) {
        this.pane = new ChannelPane(this, channel);
        fill(main, this.pane.node);
      }
      this.pane.show(this.channel(channel));
      return;
    }
    this.pane = undefined;
    const found = kind === "pull" && this.pulls.find((p) => `${p.repo}/${p.number}` === pull);
    const mark = JSON.stringify([kind, pull, kind === "pull" ? found : this.pulls]);
    if (mark === this.mainMark && main.querySelector(".page-body")) return;
    this.mainMark = mark;
    fill(main, header(kind === "pull" ? "Pull request" : "Pull requests", kind === "pull" ? "#/pulls" : "#/"),
      h("div", { class: "page-body" }, kind === "pulls" ? pullList(this.pulls) : found ? pullPage(found) : notFound(this.pullsKnown, pull)));
  }

  showThread() {
    const { channel, thread: ts } = this.place;
    thread.hidden = !ts;
    if (!ts) {
      this.threadPane = undefined;
      fill(thread);
      return;
    }
    if (this.threadPane?.id !== `${channel}/${ts}`) {
      this.threadPane = new ThreadPane(this, channel, ts);
      fill(thread, this.threadPane.node);
    }
    this.threadPane.show(this.channel(channel));
  }

  titleOf(channel) {
    return channel?.kind === "dm" ? this.bot.name : `#${channel?.name}`;
  }

  showTitle() {
    const { kind, channel, pull } = this.place;
    const unread = this.reading.all(this.me, this.seen);
    const name = kind === "channel" ? this.titleOf(this.channel(channel)) : kind === "pull" ? pull : "Pull requests";
    document.title = `${unread ? `(${unread}) ` : ""}${name} · ${this.team.name}`;
  }
}

function header(title, back) {
  return h("header", { class: "pane-head" }, h("a", { class: "ghost back", href: back, "aria-label": "Back" }, icon("back")), h("h1", {}, title));
}

/** Shows on a control that its click is under way. */
async function busy(node, promise) {
  node?.setAttribute("aria-busy", "true");
  try {
    return await promise;
  } finally {
    node?.removeAttribute("aria-busy");
  }
}

/** What the address names. */
function placeOf(hash, seen) {
  const [kind, ...rest] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  if (kind === "pulls") return { kind, pane: "main" };
  if (kind === "pull") return { kind, pane: "main", pull: rest.join("/") };
  const first = seen.channels.find((c) => c.member) ?? seen.channels[0];
  const known = seen.channels.find((c) => c.id === rest[0]);
  const [, mark, ts] = kind === "c" && known ? rest : [];
  if (mark === "t" && ts) return { kind: "channel", pane: "thread", channel: known.id, thread: ts };
  return { kind: "channel", pane: kind === "c" && known ? "main" : "list", channel: (known ?? first)?.id };
}

/** A pull request on a forge of this machine is shown here. */
function pullHere(url) {
  try {
    const at = new URL(url);
    const found = /^\/([\w.-]+\/[\w.-]+)\/pull\/(\d+)$/.exec(at.pathname);
    return found && at.hostname === location.hostname ? `#/pull/${found[1]}/${found[2]}` : null;
  } catch {
    return null;
  }
}

new App().start();
