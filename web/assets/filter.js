// @ts-check
// The bar over a log: names are offered while they are typed (a combobox, as ARIA has it), choices are taken at once.
import { find, send, when } from "./dom.js";
import { asked } from "./zone.js";

/** So long nobody types before names are asked for. */
const PAUSE = 120;

/** @type {{ input: HTMLInputElement, list: HTMLElement, asking: AbortController } | null} */
let open = null;
let timer = 0;

/**
 * Of several names with commas between them, the last one is being typed.
 * @param {string} value
 * @returns {[string, string]} those before it, and that one
 */
function parts(value) {
  const end = value.lastIndexOf(",") + 1;
  return [value.slice(0, end), value.slice(end).trim()];
}

function close() {
  open?.asking.abort();
  open?.list.remove();
  open?.input.setAttribute("aria-expanded", "false");
  open?.input.removeAttribute("aria-activedescendant");
  open?.input.removeAttribute("aria-controls");
  open = null;
}

/** @param {HTMLInputElement} input */
async function offer(input) {
  close();
  const asking = new AbortController();
  const list = document.createElement("ul");
  list.id = `offers-${input.id}`;
  list.className = "offers";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels?.[0]?.textContent ?? "");
  open = { input, list, asking };
  try {
    const ticket = encodeURIComponent(input.form?.dataset.ticket ?? "");
    const address = `${input.dataset.offers}&ticket=${ticket}&prefix=${encodeURIComponent(parts(input.value)[1])}`;
    const answer = await fetch(address, { signal: asking.signal, headers: { "hx-request": "true" } });
    if (!answer.ok || open?.list !== list) return;
    // What the server sends is a list of names, escaped as in its pages.
    list.innerHTML = await answer.text();
  } catch {
    return;
  }
  if (!list.children.length || document.activeElement !== input) return close();
  [...list.children].forEach((option, index) => (option.id = `${list.id}-${index}`));
  input.after(list);
  input.setAttribute("aria-expanded", "true");
  input.setAttribute("aria-controls", list.id);
}

/** @param {number} step */
function move(step) {
  if (!open) return;
  const options = [...open.list.children];
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const next = options[at < 0 && step < 0 ? options.length - 1 : (at + step + options.length) % options.length];
  options.forEach((option) => option.setAttribute("aria-selected", String(option === next)));
  next?.scrollIntoView({ block: "nearest" });
  if (next) open.input.setAttribute("aria-activedescendant", next.id);
}

/** @param {Element} option */
function take(option) {
  if (!open) return;
  const { input } = open;
  const before = parts(input.value)[0];
  input.value = `${before}${before ? " " : ""}${option.getAttribute("data-value") ?? ""}`;
  close();
  send(input.form);
}

when("focusin", "input[data-offers]", (input) => {
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  if (!input.hasAttribute("aria-expanded")) input.setAttribute("aria-expanded", "false");
});
when("focusout", "input[data-offers]", () => {
  clearTimeout(timer);
  close();
});
when("input", "input[data-offers]", (input) => {
  clearTimeout(timer);
  timer = setTimeout(() => input instanceof HTMLInputElement && offer(input), PAUSE);
});
when("keydown", "input[data-offers]", (input, event) => {
  if (!(event instanceof KeyboardEvent) || !(input instanceof HTMLInputElement) || event.isComposing) return;
  const chosen = open?.list.querySelector("[aria-selected=true]");
  if (event.key === "ArrowDown" && !open) offer(input);
  else if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp" && open) move(-1);
  else if (event.key === "Enter" && chosen) take(chosen);
  else if (event.key === "Escape" && open) {
    close();
    event.stopPropagation();
  } else return;
  event.preventDefault();
});
// A button of the mouse that goes down would take the focus away from the input.
when("mousedown", ".offers [role=option]", (option, event) => {
  event.preventDefault();
  take(option);
});
when("change", "#filter select", (select) => {
  if (!(select instanceof HTMLSelectElement)) return;
  // Who chooses a span means it, and not the moments that are there still.
  if (select.name === "last") {
    for (const name of ["startTimestamp", "endTimestamp"]) {
      const moment = find(`#${name}`, HTMLInputElement);
      if (moment) moment.value = "";
    }
  }
  send(select.form);
});

/**
 * What is asked for is in the address: nothing that nobody filled in, names that are there several times in one, moments in UTC.
 * @param {any} parameters a FormData, or what htmx gives for one
 */
export function tidy(parameters) {
  for (const name of Object.keys(parameters)) {
    const all = [parameters[name]].flat().map(String).filter((value) => value !== "");
    if (name === "startTimestamp" || name === "endTimestamp") parameters[name] = all.map(asked).join("");
    else if (name === "search") parameters[name] = all.join("");
    else parameters[name] = all.flatMap((value) => value.split(",")).map((value) => value.trim()).filter(Boolean).join(",");
    if (parameters[name] === "" && name !== "columns") delete parameters[name];
  }
}

document.addEventListener("htmx:configRequest", (event) => {
  const { verb, parameters } = /** @type {CustomEvent} */ (event).detail;
  if (verb === "get") tidy(parameters);
});
