// Buttons, menus and fields as Slack's elements have them. Knows what each holds and what it says when it is used;
// must not know where that goes: the pad does.

import { h, icon, safeUrl } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";

const KINDS = {
  button,
  static_select: staticSelect,
  multi_static_select: multiSelect,
  checkboxes: (element, it) => choices(element, it, "checkbox"),
  radio_buttons: (element, it) => choices(element, it, "radio"),
  plain_text_input: plainText,
  overflow,
};

/** `how`: {id, label, described, invalid, required}, what stands around the control. */
export function control(element, block, ctx, how) {
  if (!element || !Object.hasOwn(KINDS, element.type)) {
    return h("span", { class: "muted" }, `(${element?.type ?? "a control"} is not shown here)`);
  }
  return KINDS[element.type](element, new Held(element, block, ctx, how));
}

/** One control's place, what it holds, and what happens when it is used. */
class Held {
  constructor(element, block, ctx, how) {
    Object.assign(this, { element, block, ctx, how });
    this.key = `${block.block_id}/${element.action_id}`;
    this.id = how.id ?? `${ctx.id}-${block.block_id}-${element.action_id}`;
    this.at = { block: block.block_id, action: element.action_id };
  }

  /** A text, an option's value, a list of them, or `null`. */
  get value() {
    return this.ctx.pad.value(this.at, this.element);
  }

  /** Keeps it; outside of forms Slack also tells the app at once. `later`: more of it is being typed. */
  set(value, node, later = false) {
    if (this.block.type === "input" && !this.block.dispatch_action) this.ctx.pad.fill(this.at, value, later);
    else this.use(value, node);
  }

  async use(value, node) {
    if (node?.getAttribute("aria-busy") === "true") return;
    const { confirm } = this.element;
    if (confirm && !(await this.ctx.confirm(confirm))) return;
    this.ctx.pad.click(this.at, value, node);
  }

  /** What assistive technology is told beside the label. */
  get said() {
    const { how, element } = this;
    return {
      "aria-label": how.id ? undefined : how.label || element.placeholder?.text || element.accessibility_label,
      "aria-describedby": how.described || undefined,
      "aria-invalid": how.invalid ? "true" : undefined,
      "aria-required": how.required ? "true" : undefined,
      "data-focus": this.key,
    };
  }
}

function button(element, it) {
  const words = plain(element.text?.text);
  const label = element.accessibility_label;
  const props = {
    class: `button ${element.style ?? ""}`.trim(), "data-focus": it.key,
    "aria-label": label, title: label && label !== words ? label : undefined,
  };
  const url = element.url && safeUrl(element.url);
  const node = url
    ? link(url, words, { ...props, onclick: () => it.use(undefined, null) }, it.ctx.names)
    : h("button", { type: "button", ...props, onclick: () => it.use(undefined, node) }, words);
  return node;
}

/** Slack follows the address and tells the app. */
function link(url, words, props, names) {
  const here = names.link?.(url);
  const where = here ? { href: here } : { href: url, target: "_blank", rel: "noopener noreferrer" };
  return h("a", { ...where, ...props }, words);
}

function groups(element) {
  return element.option_groups ?? [{ options: element.options ?? [] }];
}

function staticSelect(element, it) {
  const chosen = it.value;
  const option = (o) => h("option", { value: `=${o.value}`, selected: o.value === chosen }, optionText(o));
  const made = groups(element).map((g) => (g.label ? h("optgroup", { label: plain(g.label.text) }, g.options.map(option)) : g.options.map(option)));
  const none = h("option", { value: "", selected: chosen === null, disabled: !!it.how.required }, plain(element.placeholder?.text ?? "Choose…"));
  const node = h("select", {
    id: it.id, class: "field select", ...it.said,
    onchange: () => it.set(node.value ? node.value.slice(1) : null, node),
  }, none, made);
  return node;
}

function optionText(option) {
  const more = option.description ? ` – ${plain(option.description.text)}` : "";
  return plain(option.text?.text) + more;
}

function choices(element, it, type) {
  const many = type === "checkbox";
  const options = element.options ?? [];
  const chosen = new Set([it.value ?? []].flat());
  const change = () => {
    const on = options.filter((_, n) => boxes[n].checked).map((o) => o.value);
    it.set(many ? on : on[0] ?? null, box);
  };
  const boxes = options.map((o, n) => h("input", {
    type, name: `${it.id}-choice`, checked: chosen.has(o.value), onchange: change, id: n === 0 ? it.id : undefined,
    "data-focus": `${it.key}/${n}`, "aria-invalid": it.how.invalid ? "true" : undefined,
  }));
  const rows = options.map((o, n) => h("label", { class: "choice" }, boxes[n], choiceText(o, it)));
  const box = h("div", { class: "choices", role: many ? "group" : "radiogroup", "aria-label": it.how.label || undefined }, rows);
  return box;
}

function choiceText(option, it) {
  const words = (object) => (object?.type === "mrkdwn" ? mrkdwn(object.text, it.ctx.names) : plain(object?.text));
  return h("span", {}, words(option.text), option.description && h("span", { class: "choice-more" }, words(option.description)));
}

/** A list of boxes behind a button: the keyboard and a thumb can use it alike. */
function multiSelect(element, it) {
  const all = groups(element).flatMap((group) => group.options);
  const chosen = new Set(it.value ?? []);
  const most = element.max_selected_items ?? all.length;
  const words = h("span", { class: "grow" });
  const list = h("div", { class: "menu", id: `${it.id}-list`, role: "group", tabindex: "-1", "aria-label": it.how.label || "Choices", hidden: true });
  const show = () => {
    const on = all.filter((o) => chosen.has(o.value)).map((o) => plain(o.text?.text));
    words.textContent = on.join(", ") || plain(element.placeholder?.text ?? "Choose…");
    words.classList.toggle("muted", !on.length);
  };
  const flip = (o, box) => {
    if (box.checked && chosen.size >= most) { box.checked = false; return; }
    chosen[box.checked ? "add" : "delete"](o.value);
    show();
    it.set(all.filter((one) => chosen.has(one.value)).map((one) => one.value), null);
  };
  list.append(...all.map((o) => {
    const box = h("input", { type: "checkbox", checked: chosen.has(o.value), onchange: () => flip(o, box) });
    return h("label", { class: "choice" }, box, choiceText(o, it));
  }));
  const opener = h("button", {
    type: "button", id: it.id, class: "field select-opener", "aria-expanded": "false", "aria-controls": list.id, ...it.said,
  }, words, icon("down"));
  show();
  return popup(opener, list);
}

function overflow(element, it) {
  const list = h("div", { class: "menu", role: "menu", tabindex: "-1", hidden: true });
  const opener = h("button", {
    type: "button", class: "button", "aria-haspopup": "menu", "aria-expanded": "false", "data-focus": it.key,
    "aria-label": element.accessibility_label ?? "More",
  }, "…");
  const node = popup(opener, list);
  list.append(...(element.options ?? []).map((o) => h("button", {
    type: "button", role: "menuitem", class: "menu-item",
    onclick: () => { node.shut(); opener.focus(); it.use(o.value, opener); },
  }, plain(o.text?.text))));
  return node;
}

/** A list that a button opens; Esc and a click elsewhere close it, arrows walk in it. */
export function popup(opener, list) {
  const node = h("div", { class: "multi" }, opener, list);
  const open = (yes) => {
    list.hidden = !yes;
    opener.setAttribute("aria-expanded", String(yes));
  };
  node.shut = () => open(false);
  opener.addEventListener("click", () => open(list.hidden));
  node.addEventListener("keydown", (event) => walk(event, list, opener, open));
  node.addEventListener("focusout", (event) => { if (!node.contains(event.relatedTarget)) open(false); });
  return node;
}

function walk(event, list, opener, open) {
  if (event.key === "Escape" && !list.hidden) {
    event.preventDefault();
    event.stopPropagation();
    open(false);
    opener.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (list.hidden) open(true);
    const stops = [...list.querySelectorAll("input, button")];
    const at = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    stops[(at + stops.length) % stops.length]?.focus();
  }
}

function plainText(element, it) {
  const props = {
    id: it.id, class: "field", ...it.said, value: it.value ?? "", placeholder: plain(element.placeholder?.text ?? ""),
    maxlength: element.max_length, autocomplete: "off",
  };
  const node = element.multiline ? h("textarea", { rows: "4", ...props }) : h("input", { type: "text", ...props });
  if (element.focus_on_load) node.dataset.first = "";
  const told = it.block.dispatch_action;
  node.addEventListener("input", () => (told ? it.ctx.pad.keep(it.at, node.value || null) : it.set(node.value || null, node, true)));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || element.multiline) return;
    event.preventDefault();
    if (told) it.use(node.value, node);
    else it.ctx.submit?.();
  });
  return node;
}
