// Light, dark, or as the machine has it. Kept in this browser.

import { fill, h, icon } from "./dom.js";

const ORDER = ["auto", "light", "dark"];
const ICONS = { auto: "auto", light: "sun", dark: "moon" };
const KEY = "devtask.theme";

function kept() {
  const theme = localStorage.getItem(KEY);
  return ORDER.includes(theme) ? theme : "auto";
}

function wear(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** A button that goes round the three. */
export function themeSwitch() {
  const node = h("button", { type: "button", class: "ghost", onclick: () => {
    const next = ORDER[(ORDER.indexOf(kept()) + 1) % ORDER.length];
    localStorage.setItem(KEY, next);
    show(next);
  } });
  const show = (theme) => {
    wear(theme);
    fill(node, icon(ICONS[theme]));
    const label = `Colours: ${theme === "auto" ? "as the machine" : theme}`;
    node.setAttribute("aria-label", label);
    node.title = label;
  };
  show(kept());
  return node;
}
