// Who is who: faces, roles, and the switch that says as whom one acts. Must not know what they may do: the app decides.

import { h } from "./dom.js";

const COLOURS = 7;
const ROLES = { admin: "admin", member: "member", guest: "guest", stranger: "other workspace", bot: "app" };

/** Two letters on a colour that is always the same person's. */
export function avatar(person, size = "") {
  if (person.kind === "bot") return h("span", { class: `avatar bot ${size}`, "aria-hidden": "true" }, h("img", { src: "/favicon.svg", alt: "" }));
  const words = String(person.realName ?? person.name ?? "?").trim().split(/\s+/);
  const letters = words.length > 1 ? words[0][0] + words.at(-1)[0] : words[0].slice(0, 2);
  return h("span", { class: `avatar colour-${hash(person.id ?? "") % COLOURS} ${size}`, "aria-hidden": "true" }, letters.toUpperCase());
}

function hash(text) {
  return [...text].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) >>> 0, 7);
}

/** How a person is called in full. */
export function called(person) {
  return person.realName || person.name;
}

export function role(person) {
  return ROLES[person.kind] ?? person.kind;
}

/** Everybody who can type; `pick(id)` is told. */
export function actAs(people, me, pick) {
  const humans = people.filter((p) => p.kind !== "bot");
  const node = h("select", { id: "act-as", class: "field select", onchange: () => pick(node.value) },
    humans.map((p) => h("option", { value: p.id, selected: p.id === me }, `${called(p)} – ${role(p)}`)));
  const self = humans.find((p) => p.id === me);
  return h("div", { class: "act-as" }, self && avatar(self), h("div", { class: "grow" }, h("label", { for: "act-as", class: "small muted" }, "You act as"), node));
}
