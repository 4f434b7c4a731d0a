// Makes elements. Knows the one law of this page: foreign text becomes a text node, never markup.
// Must not know what is shown.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "open", "hidden", "indeterminate"]);

/** An element. `props`: attributes, `class`, `on…` listeners, a few live properties; children: nodes, texts, lists. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(node, name, value);
  node.append(...flat(children));
  return node;
}

function set(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (PROPERTIES.has(name)) node[name] = value;
  else if (name === "href") setHref(node, value);
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** Only addresses that a person may follow without running anything. */
function setHref(node, url) {
  const safe = safeUrl(url);
  if (safe) node.setAttribute("href", safe);
}

/** The address where it is plain web, mail or a place on this page; else `null`. */
export function safeUrl(url) {
  const text = String(url).trim();
  if (text.startsWith("#/")) return text;
  return /^(https?:\/\/|mailto:)/i.test(text) ? text : null;
}

function flat(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);
}

/** Replaces what is inside. */
export function fill(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

const ICONS = {
  hash: "M6.5 3 5 17M13 3l-1.500 14M3.500 7.500h13M2.500 12.500h13",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9",
  pull: "M5.500 7v6M5.500 7a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM5.500 17a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM14.500 17a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM14.500 13V8a3 3 0 0 0-3-3H9.500m0 0 2-2m-2 2 2 2",
  back: "M12.500 4 6.500 10l6 6",
  close: "M5 5l10 10M15 5 5 15",
  send: "M3 10l14-6.500L12 17l-2.500-5.500L3 10Zm6.500 1.500L17 3.500",
  reply: "M4 5h12v8H9l-3.500 3v-3H4z",
  sun: "M10 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM10 2v2m0 12v2M2 10h2m12 0h2M4.300 4.300l1.400 1.400m8.600 8.600 1.400 1.400m0-11.400-1.400 1.400M5.700 14.300l-1.400 1.400",
  moon: "M16.500 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.500 8.500Z",
  auto: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 3v14M12.500 4.500v11M15 6v8",
  down: "M5 8l5 5 5-5",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5Zm8 2.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400Z",
  file: "M5 3h7l3 3v11H5zM12 3v3h3",
};

/** A line drawing that says nothing by itself: the text beside it or the label does. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

/**
 * Brings the children of `box` to `items` and leaves every child alone whose item is unchanged, so that half-typed
 * text, focus and scroll survive a change elsewhere. `mark(item)` = all that its looks depend on.
 */
export function keep(box, items, { key, mark, make }) {
  const old = new Map([...box.children].map((node) => [node.dataset.key, node]));
  let at = box.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const looks = mark(item);
    let node = old.get(name);
    old.delete(name);
    if (!node) node = named(make(item), name, looks);
    else if (node.keptMark !== looks) {
      const fresh = renew(node, named(make(item), name, looks));
      if (at === node) at = fresh;
      node = fresh;
    }
    if (node === at) at = at.nextElementSibling;
    else box.insertBefore(node, at);
  }
  for (const node of old.values()) node.remove();
}

function named(node, name, looks) {
  node.dataset.key = name;
  node.keptMark = looks;
  return node;
}

/** Puts the new node in the old one's place; the control that had the focus gets it again. */
function renew(old, node) {
  const focus = old.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  old.replaceWith(node);
  if (focus) [...node.querySelectorAll("[data-focus]")].find((n) => n.dataset.focus === focus)?.focus();
  return node;
}
