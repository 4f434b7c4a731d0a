// Where a person types. Knows keys, offers and drafts: what could not be sent is still there. Must not know what a
// message becomes.

import { complete } from "./complete.js";
import { fill, h, icon } from "./dom.js";

let count = 0;

/** `where`: {key, label}; `send(text)` → promise, refused = the text stays; `known()` for the offers. */
export class Composer {
  constructor(where, drafts, send, known) {
    Object.assign(this, { where, drafts, sendText: send, known });
    this.id = `composer-${++count}`;
    this.offers = null;
    this.list = h("ul", { class: "offers", id: `${this.id}-offers`, role: "listbox", "aria-label": "Suggestions", hidden: true });
    this.field = h("textarea", {
      id: this.id, rows: "1", placeholder: where.label, "aria-label": where.label, autocomplete: "off", spellcheck: "true",
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id, value: drafts.get(where.key) ?? "",
      oninput: () => this.changed(), onkeydown: (event) => this.key(event), onclick: () => this.offer(), onblur: () => this.hide(),
    });
    this.button = h("button", { type: "button", class: "send", "aria-label": "Send", onclick: () => this.send() }, icon("send"));
    const hint = h("p", { class: "composer-hint" }, h("kbd", {}, "Enter"), " sends, ", h("kbd", {}, "Shift"), " + ", h("kbd", {}, "Enter"), " begins a new line");
    this.node = h("div", { class: "composer" }, this.list, h("div", { class: "composer-box" }, this.field, this.button), hint);
    this.look();
  }

  /** Puts words there for the person to send or change. */
  propose(text) {
    this.field.value = text;
    this.changed();
    this.hide();
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  changed() {
    this.drafts.set(this.where.key, this.field.value);
    this.look();
    this.offer();
  }

  look() {
    this.button.disabled = !this.field.value.trim() || this.sending;
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 240)}px`;
  }

  offer() {
    this.offers = complete(this.field.value, this.field.selectionStart, this.known());
    this.at = 0;
    this.draw();
  }

  hide() {
    this.offers = null;
    this.draw();
  }

  draw() {
    const offers = this.offers?.offers ?? [];
    this.list.hidden = !offers.length;
    this.field.setAttribute("aria-expanded", String(!!offers.length));
    fill(this.list, offers.map((o, n) => h("li", {
      id: `${this.id}-${n}`, role: "option", class: "offer", "aria-selected": String(n === this.at),
      onmousedown: (event) => { event.preventDefault(); this.take(n); },
    }, h("span", { class: "offer-name" }, o.name), h("span", { class: "offer-more" }, o.more))));
    if (offers.length) this.field.setAttribute("aria-activedescendant", `${this.id}-${this.at}`);
    else this.field.removeAttribute("aria-activedescendant");
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  take(n) {
    const { from, to, offers } = this.offers;
    const { insert } = offers[n];
    this.field.setRangeText(insert, from, to, "end");
    this.changed();
  }

  key(event) {
    if (event.isComposing) return;
    const many = this.offers?.offers.length ?? 0;
    if (many && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : many - 1)) % many;
      this.draw();
    } else if (many && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && !this.complete()))) {
      event.preventDefault();
      this.take(this.at);
    } else if (many && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.hide();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  /** Whether the offer at hand is typed out already, so that Enter means "send". */
  complete() {
    const { from, to, offers } = this.offers;
    return offers[this.at].insert.trim() === this.field.value.slice(from, to).trim();
  }

  async send() {
    const text = this.field.value;
    if (!text.trim() || this.sending) return;
    this.sending = true;
    this.hide();
    this.look();
    try {
      await this.sendText(text);
      // More may have been typed meanwhile.
      if (this.field.value === text) this.field.value = "";
      this.drafts.set(this.where.key, this.field.value);
    } finally {
      this.sending = false;
      this.look();
    }
  }
}
