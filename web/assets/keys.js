// @ts-check
// What the keyboard does, and the dialogs that it opens.
import { find, isText, when } from "./dom.js";
import { show, toggle } from "./zone.js";

/** What can be gone through. */
const ROWS = "#page tbody tr";

/** @param {number} step */
function move(step) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility());
  const here = document.activeElement?.closest(ROWS);
  const at = here ? rows.indexOf(here) + step : step > 0 ? 0 : rows.length - 1;
  const row = rows[Math.min(Math.max(at, 0), rows.length - 1)];
  if (row instanceof HTMLElement) {
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }
}

/** @param {string} address where all of an event is */
async function detail(address) {
  const dialog = find("#detail", HTMLDialogElement);
  const content = find("#detail-content", HTMLElement);
  if (!dialog || !content) return;
  const answer = await fetch(address);
  // It leads elsewhere only for those who have to sign in.
  if (answer.redirected) return location.assign(address);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const event = page.querySelector("#event") ?? page.querySelector("#page");
  if (!event) return location.assign(address);
  content.replaceChildren(document.adoptNode(event));
  show(content);
  if (!dialog.open) dialog.showModal();
}

function help() {
  find("#keys", HTMLDialogElement)?.showModal();
}

when("click", "#help", help);
when("click", "a.open", (link, event) => {
  const isPlain = event instanceof MouseEvent && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  if (!isPlain || !(link instanceof HTMLAnchorElement)) return;
  event.preventDefault();
  event.stopPropagation();
  detail(link.href);
});
// A click beside a dialog closes it.
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isText(event.target)) {
    if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  const row = document.activeElement?.closest(ROWS);
  if (event.key === "/") {
    const input = find("#filter input:not([type=hidden]), input[type=search]", HTMLInputElement);
    input?.focus();
    input?.select();
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "Enter" && row && document.activeElement === row) find("a.open, a.view, a.play", HTMLAnchorElement, row)?.click();
  else if (event.key === "p") find("#pause", HTMLButtonElement)?.click();
  else if (event.key === "z") toggle();
  else if (event.key === "?") help();
  else return;
  event.preventDefault();
});

/** Says that there is help. */
export function offerHelp() {
  const button = find("#help", HTMLButtonElement);
  if (button) button.hidden = false;
}
