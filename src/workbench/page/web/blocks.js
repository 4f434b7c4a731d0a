// Block Kit as nodes. Knows every block that our messages and forms are made of; must not know who sent them.
//
// `ctx`: names (see mrkdwn.js), pad (see pad.js), confirm(dialog) → promise, errors ({block_id: text}), id (a prefix of
// ids), submit() where it is a form.

import { control } from "./controls.js";
import { h, safeUrl } from "./dom.js";
import { markdown } from "./markdown.js";
import { anchor, mrkdwn, plain } from "./mrkdwn.js";
import { richText } from "./rich.js";

const KINDS = {
  header: (block) => h("h3", { class: "b-header" }, plain(block.text?.text)),
  section,
  context: (block, ctx) => h("div", { class: "b-context" }, (block.elements ?? []).map((e) => contextPart(e, ctx))),
  divider: () => h("hr", { class: "b-divider" }),
  actions,
  input,
  image: (block) => picture(block),
  rich_text: (block, ctx) => h("div", { class: "b-rich" }, richText(block, ctx.names)),
  markdown: (block, ctx) => h("div", { class: "b-markdown prose" }, markdown(block.text, ctx.names)),
  table,
};

export function renderBlocks(blocks, ctx) {
  return (blocks ?? []).map((block, n) => {
    const make = Object.hasOwn(KINDS, block.type) ? KINDS[block.type] : unknown;
    return make({ ...block, block_id: block.block_id ?? `b${n}` }, ctx);
  });
}

/** A text object. */
export function text(object, names) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : [plain(object.text)];
}

function section(block, ctx) {
  const words = block.text && h("div", { class: "prose" }, text(block.text, ctx.names));
  const fields = block.fields && h("div", { class: "b-fields" }, block.fields.map((f) => h("div", { class: "prose" }, text(f, ctx.names))));
  const label = block.text ? plain(block.text.text) : "";
  const extra = block.accessory && h("div", { class: "b-accessory" }, accessory(block.accessory, block, ctx, label));
  return h("div", { class: extra ? "b-section with-accessory" : "b-section" }, h("div", {}, words, fields), extra);
}

function accessory(element, block, ctx, label) {
  return element.type === "image" ? picture(element) : control(element, block, ctx, { label });
}

function contextPart(element, ctx) {
  return element.type === "image" ? picture(element) : h("span", { class: "prose" }, text(element, ctx.names));
}

/** No picture of another machine is loaded: its words are shown, and where it lies. */
function picture(block) {
  const words = block.alt_text || block.title?.text || "image";
  const url = safeUrl(block.image_url ?? "");
  const label = h("span", { class: "picture", role: "img", "aria-label": words }, words);
  return url ? h("div", { class: "b-image" }, label, anchor(url, "open", {})) : h("div", { class: "b-image" }, label);
}

function actions(block, ctx) {
  return h("div", { class: "b-actions" }, (block.elements ?? []).map((e) => control(e, block, ctx, {})));
}

function input(block, ctx) {
  const id = `${ctx.id}-${block.block_id}`;
  const error = ctx.errors?.[block.block_id];
  const hint = block.hint && h("p", { class: "hint", id: `${id}-hint` }, plain(block.hint.text));
  const wrong = error && h("p", { class: "field-error", id: `${id}-error` }, error);
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  const label = plain(block.label?.text);
  const group = ["checkboxes", "radio_buttons", "multi_static_select"].includes(block.element?.type);
  const optional = block.optional && h("span", { class: "muted" }, " (optional)");
  const made = control(block.element, block, ctx, { id, label, described, invalid: !!error, required: !block.optional });
  if (group) {
    const described_by = described || undefined;
    return h("fieldset", { class: "b-input", "aria-describedby": described_by }, h("legend", {}, label, optional), made, wrong, hint);
  }
  return h("div", { class: "b-input" }, h("label", { for: id }, label, optional), made, wrong, hint);
}

function table(block, ctx) {
  const [head, ...rows] = block.rows ?? [];
  const cell = (c, n, tag) => h(tag, { class: block.column_settings?.[n]?.align ?? "left", scope: tag === "th" ? "col" : undefined }, cellText(c, ctx));
  const row = (cells, tag) => h("tr", {}, cells.map((c, n) => cell(c, n, tag)));
  const made = h("table", {}, head && h("thead", {}, row(head, "th")), h("tbody", {}, rows.map((r) => row(r, "td"))));
  return h("div", { class: "b-table prose scroll-x", tabindex: "0", role: "region", "aria-label": "Table" }, made);
}

function cellText(cell, ctx) {
  if (cell.type === "rich_text") return richText(cell, ctx.names);
  return cell.type === "mrkdwn" ? mrkdwn(cell.text, ctx.names) : String(cell.text ?? "");
}

function unknown(block) {
  return h("div", { class: "b-context" }, `(a block of the kind ${block.type ?? "?"} is not shown here)`);
}
