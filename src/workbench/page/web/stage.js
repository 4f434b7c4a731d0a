// The control plane as this page sees it from outside: whether it lives, what it lost, and the button that kills it.
// Must not know how it is killed.

import { fill, h } from "./dom.js";
import { announce, confirm, toast } from "./notice.js";
import { span } from "./time.js";

const CALM = 2_000;
const TENSE = 250;
const QUESTION = {
  title: { text: "Kill the control plane?" },
  text: { text: "Its process ends at once, as with kill\u00a0-9: nothing is saved first. The agents work on; it is started again by itself and picks up where the log ends." },
  confirm: { text: "Kill it" }, deny: { text: "Let it live" }, style: "danger",
};

export class StageCard {
  /** `api`: {stage(), kill()}; `changed(stage)` is told what was read. */
  constructor(api, changed) {
    Object.assign(this, { api, changed });
    this.node = h("section", { class: "stage", "aria-label": "Control plane" });
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    try {
      const stage = await this.api.stage();
      this.tell(stage);
      this.seen = stage;
      this.draw(stage);
      this.changed(stage);
    } catch {
      this.seen = null;
      fill(this.node, h("p", { class: "stage-line" }, dot("down"), "The demo does not answer"));
    }
    const tense = this.busy || (this.seen && !this.seen.controlPlane.up);
    this.timer = setTimeout(() => this.look(), tense ? TENSE : CALM);
  }

  /** Says what happened, once. */
  tell({ controlPlane: now }) {
    const was = this.seen?.controlPlane;
    if (!was) return;
    if (now.kills > was.kills) toast("The control plane was killed. It is being started again.", "news");
    if (now.up && now.outage?.backAt && now.outage.backAt !== was.outage?.backAt) toast(`${back(now)} Events lost: ${now.eventsLost}.`, "news");
  }

  draw({ controlPlane: it }) {
    const mark = JSON.stringify([it, this.busy]);
    if (mark === this.mark) return;
    this.mark = mark;
    const focused = this.node.contains(document.activeElement);
    const line = h("p", { class: "stage-line" }, dot(it.up ? "up" : "down"), h("strong", {}, "Control plane"), h("span", { class: "muted" }, it.up ? "runs" : "is dead"));
    const counters = h("dl", { class: "counters" }, counter("sessions", it.sessions), counter("kills", it.kills), counter("events lost", it.eventsLost, it.eventsLost > 0));
    const button = h("button", { type: "button", class: "button danger wide", id: "kill", disabled: !it.up || !!this.busy, onclick: () => this.kill() }, "Kill the control plane");
    const said = it.outage && h("p", { class: "small muted", id: "outage" }, it.outage.backAt ? back(it) : "The agents work on; it starts again by itself.");
    fill(this.node, line, counters, button, said);
    if (focused) button.focus();
  }

  async kill() {
    if (!(await confirm(QUESTION))) return;
    this.busy = true;
    announce("Killing the control plane");
    try {
      const asked = this.api.kill();
      this.look();
      await asked;
    } catch (error) {
      toast(error.message);
    }
    this.busy = false;
    this.look();
  }
}

function back({ outage }) {
  return `It was dead for ${span(new Date(outage.backAt) - new Date(outage.killedAt))} and is back.`;
}

function dot(state) {
  return h("span", { class: `dot ${state}`, "aria-hidden": "true" });
}

function counter(name, value, bad = false) {
  return h("div", { class: bad ? "bad" : "" }, h("dt", {}, name), h("dd", { id: `counter-${name.replace(" ", "-")}` }, String(value)));
}
