// @ts-check
// Which columns somebody wants to see is kept for him: in a cookie, so that the server draws them so at once.
import { find, send, when } from "./dom.js";

/** A year. */
const KEPT = 365 * 24 * 3600;

/** @param {string} page @param {string} columns @param {number} seconds */
function keep(page, columns, seconds) {
  document.cookie = `casemate_columns_${page}=${columns}; path=/admin/events; max-age=${seconds}; samesite=lax`;
}

when("change", "#columns input", () => {
  const form = find("#columns", HTMLFormElement);
  if (!form) return;
  const chosen = [...form.querySelectorAll("input:checked")].map((box) => /** @type {HTMLInputElement} */ (box).value);
  keep(form.dataset.page ?? "", chosen.join("."), KEPT);
  send(form);
});

when("click", "#usual", () => keep(find("#columns", HTMLFormElement)?.dataset.page ?? "", "", 0));

// What was open stays so when the part of the page that it is in is another one.
let wasOpen = false;
document.addEventListener("htmx:beforeSwap", () => {
  wasOpen = Boolean(find("#columns", HTMLFormElement)?.closest("details")?.open);
});
export function reopen() {
  const menu = find("#columns", HTMLFormElement)?.closest("details");
  if (wasOpen && menu) menu.open = true;
}

// A menu is closed by whatever is done elsewhere.
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu instanceof HTMLDetailsElement && !(event.target instanceof Node && menu.contains(event.target))) menu.open = false;
  }
});
