// What the page itself has to say: troubles at the edge of the window, news for screen readers, questions before
// something is done. Must not know what it is about.

import { fill, h } from "./dom.js";
import { plain } from "./mrkdwn.js";

const LASTS = 9_000;

const toasts = () => document.getElementById("toasts");

export function toast(words, kind = "error") {
  // The newest news is enough; the same trouble twice is one.
  const stale = (t) => t.dataset.words === words || (kind === "news" && t.classList.contains("news"));
  [...toasts().children].filter(stale).forEach((t) => t.remove());
  const away = () => node.remove();
  const node = h("div", { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status", "data-words": words },
    h("span", { class: "grow" }, words),
    h("button", { type: "button", class: "ghost", "aria-label": "Dismiss", onclick: away }, "✕"));
  toasts().append(node);
  setTimeout(away, LASTS);
}

/** Read out when there is a pause. */
export function announce(words) {
  fill(document.getElementById("news"), words);
}

/** Slack's confirm dialog; resolves to whether the person means it. */
export function confirm(dialog) {
  return new Promise((answer) => {
    const yes = h("button", { type: "button", class: `button ${dialog.style === "danger" ? "danger" : "primary"}` }, plain(dialog.confirm?.text ?? "Yes"));
    const no = h("button", { type: "button", class: "button" }, plain(dialog.deny?.text ?? "Cancel"));
    const node = h("dialog", { class: "confirm", "aria-labelledby": "confirm-title" },
      h("h2", { id: "confirm-title" }, plain(dialog.title?.text ?? "Are you sure?")),
      h("p", {}, plain(dialog.text?.text ?? "")),
      h("div", { class: "dialog-foot" }, no, yes));
    const end = (said) => { node.close(); node.remove(); answer(said); };
    yes.addEventListener("click", () => end(true));
    no.addEventListener("click", () => end(false));
    node.addEventListener("cancel", (event) => { event.preventDefault(); end(false); });
    document.body.append(node);
    node.showModal();
    no.focus();
  });
}
