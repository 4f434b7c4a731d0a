// The left side: the workspace, its channels, pull requests, the control plane, and as whom one acts.

import { fill, h, icon, keep } from "./dom.js";
import { actAs } from "./people.js";

/** Built once, then only brought up to date. */
export function sidePane(node, app) {
  if (!node.childElementCount) build(node, app);
  const channels = app.seen.channels.filter((c) => c.kind !== "dm");
  const talks = app.seen.channels.filter((c) => c.kind === "dm");
  links(node.querySelector("#channels"), channels, app);
  links(node.querySelector("#talks"), talks, app);
  node.querySelector("#talk").hidden = talks.length > 0;
  showPulls(node.querySelector("#pulls-link"), app);
  showHints(node.querySelector("#hints"), app);
  const mark = `${app.me}/${app.people.size}`;
  const people = node.querySelector("#people");
  if (people.dataset.mark !== mark) fill(people, actAs([...app.people.values()], app.me, (id) => app.be(id)));
  people.dataset.mark = mark;
}

function build(node, app) {
  const talk = h("button", { type: "button", class: "place", id: "talk", onclick: () => app.talk() }, icon("reply"), h("span", { class: "grow" }, `Message ${app.bot.name}`));
  fill(node,
    h("header", { class: "side-head" }, h("img", { src: "/favicon.svg", alt: "", width: "28", height: "28" }), h("strong", { class: "grow" }, app.team.name), app.theme),
    h("div", { class: "side-scroll" },
      h("h2", {}, "Channels"), h("ul", { id: "channels" }),
      h("h2", {}, "Direct messages"), h("ul", { id: "talks" }), talk,
      h("h2", {}, "Forge"), h("ul", {}, h("li", {}, h("a", { class: "place", id: "pulls-link", href: "#/pulls" }))),
      h("div", { id: "hints" })),
    h("div", { class: "side-foot" }, app.stage.node, h("div", { id: "people" })));
  node.addEventListener("keydown", (event) => walk(event, node));
}

function links(list, channels, app) {
  keep(list, channels, {
    key: (c) => c.id,
    mark: (c) => JSON.stringify([c.name, c.kind, c.member, here(c, app), app.reading.unread(app.me, c)]),
    make: (c) => h("li", {}, link(c, app)),
  });
}

const here = (channel, app) => app.place.kind === "channel" && app.place.channel === channel.id;

function link(channel, app) {
  const unread = app.reading.unread(app.me, channel);
  const look = ["place", !channel.member && "foreign", unread && "unread"].filter(Boolean).join(" ");
  return h("a", { class: look, href: `#/c/${channel.id}`, "data-focus": channel.id, "aria-current": here(channel, app) ? "page" : undefined },
    icon(channel.kind === "private" ? "lock" : channel.kind === "dm" ? "reply" : "hash"), h("span", { class: "grow" }, app.nameOf(channel)),
    unread > 0 && h("span", { class: "badge" }, String(unread), h("span", { class: "unseen" }, " unread")));
}

function showPulls(node, app) {
  const mark = `${app.pulls.length}/${app.place.kind}`;
  if (node.dataset.mark === mark) return;
  node.dataset.mark = mark;
  if (app.place.kind.startsWith("pull")) node.setAttribute("aria-current", "page");
  else node.removeAttribute("aria-current");
  fill(node, icon("pull"), h("span", { class: "grow" }, "Pull requests"), app.pulls.length > 0 && h("span", { class: "count" }, String(app.pulls.length)));
}

function showHints(node, app) {
  const mark = JSON.stringify(app.hints);
  if (node.dataset.mark === mark) return;
  node.dataset.mark = mark;
  const one = (hint) => h("li", {}, h("button", { type: "button", class: "place hint-button", title: hint.text, onclick: () => propose(app, hint.text) }, h("span", { class: "grow" }, hint.label)));
  fill(node, app.hints.length > 0 && [h("h2", {}, "To try"), h("ul", {}, app.hints.map(one))]);
}

/** Puts a hint's words into the composer of a channel. */
export function propose(app, text) {
  const channel = app.place.channel ?? app.seen.channels.find((c) => c.member)?.id;
  location.hash = `#/c/${channel}`;
  setTimeout(() => app.pane?.composer?.propose(text));
}

function walk(event, node) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (!event.target.classList.contains("place")) return;
  event.preventDefault();
  const stops = [...node.querySelectorAll(".place")];
  const at = stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
  stops[(at + stops.length) % stops.length].focus();
}
