// The form on top, as Slack shows a view. Knows when it opens, keeps what was typed, says what is wrong; must not know
// what a form is for.

import { renderBlocks } from "./blocks.js";
import { fill, h, icon } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { confirm } from "./notice.js";
import { Pad } from "./pad.js";

export class Modal {
  /** `act(do, fields)` reaches the model; `names` as in mrkdwn.js. */
  constructor(act, names) {
    Object.assign(this, { act, names });
    this.node = h("dialog", { class: "modal", "aria-labelledby": "modal-title" });
    this.node.addEventListener("cancel", (event) => { event.preventDefault(); this.close(); });
    document.body.append(this.node);
  }

  /** What the model says is open; `null` = nothing. */
  show(modal) {
    if (!modal) {
      if (this.node.open) this.node.close();
      this.pad = this.mark = undefined;
      return;
    }
    if (this.pad?.at.view !== modal.id) {
      this.pad = new Pad({ view: modal.id }, this.act, (node, promise) => promise);
      this.mark = undefined;
    }
    this.pad.state = modal.state;
    const mark = JSON.stringify([modal.view, modal.errors, modal.trouble, modal.busy]);
    if (mark !== this.mark) this.draw(modal);
    this.mark = mark;
    if (!this.node.open) this.open();
  }

  open() {
    this.node.showModal();
    const first = this.node.querySelector("[data-first]") ?? this.node.querySelector(".modal-body :is(input, textarea, select, button)");
    first?.focus();
  }

  draw(modal) {
    const { view, errors = {}, trouble, busy } = modal;
    const focus = this.node.contains(document.activeElement) ? caret(document.activeElement) : null;
    const scroll = this.node.querySelector(".modal-body")?.scrollTop ?? 0;
    const submit = () => this.submit();
    const ctx = { names: this.names, pad: this.pad, confirm, errors: errors ?? {}, id: "m", submit };
    const body = h("div", { class: "modal-body" }, trouble && h("p", { class: "trouble", role: "alert" }, trouble), renderBlocks(view.blocks, ctx));
    fill(this.node, this.head(view, modal.depth), body, this.foot(view, busy, submit));
    body.scrollTop = scroll;
    const wrong = body.querySelector("[aria-invalid]");
    if (wrong && !busy) wrong.focus();
    else restore(body, focus);
  }

  head(view, depth) {
    const away = h("button", { type: "button", class: "ghost", "aria-label": depth > 1 ? "Back" : "Close", onclick: () => this.close() }, icon(depth > 1 ? "back" : "close"));
    return h("div", { class: "modal-head" }, h("h2", { id: "modal-title" }, plain(view.title?.text)), away);
  }

  foot(view, busy, submit) {
    const close = h("button", { type: "button", class: "button", "data-focus": "close", onclick: () => this.close() }, plain(view.close?.text ?? "Close"));
    const send = view.submit && h("button", { type: "button", class: "button primary", "data-focus": "submit", disabled: !!busy, onclick: submit }, busy ? "Sending…" : plain(view.submit.text));
    return h("div", { class: "dialog-foot" }, close, send);
  }

  async submit() {
    await this.pad.flush();
    await this.act("submit", {});
  }

  async close() {
    await this.pad?.flush();
    await this.act("close", {});
  }
}

function caret(node) {
  return { focus: node.dataset.focus, from: node.selectionStart, to: node.selectionEnd };
}

function restore(body, was) {
  const node = was?.focus && [...body.parentElement.querySelectorAll("[data-focus]")].find((n) => n.dataset.focus === was.focus);
  if (!node) return;
  node.focus();
  if (typeof was.from === "number" && node.setSelectionRange) node.setSelectionRange(was.from, was.to);
}
