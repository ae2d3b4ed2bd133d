// @ts-check
// Moments in the zone of the browser, or in UTC. What is copied of a page is in UTC, whatever it shows.
import { find, when } from "./dom.js";

const KEY = "casemate-zone";
const local = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** @returns {boolean} */
function isUtc() {
  try {
    return localStorage.getItem(KEY) === "UTC";
  } catch {
    return false;
  }
}

/** @param {number} number @param {number} [digits] */
const padded = (number, digits = 2) => String(number).padStart(digits, "0");

/**
 * As the server writes it: `2026-11-27 09:30:05.123`.
 * @param {Date} date
 * @param {boolean} utc
 */
function written(date, utc) {
  const of = /** @param {string} name */ (name) => /** @type {any} */ (date)[`get${utc ? "UTC" : ""}${name}`]();
  return (
    `${padded(of("FullYear"), 4)}-${padded(of("Month") + 1)}-${padded(of("Date"))} ` +
    `${padded(of("Hours"))}:${padded(of("Minutes"))}:${padded(of("Seconds"))}.${padded(of("Milliseconds"), 3)}`
  );
}

/** How far the zone of the browser is from UTC now: `UTC+1`, `UTC−3:30`. */
function offset() {
  const minutes = -new Date().getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "−" : "+"}${hours}${rest ? `:${padded(rest)}` : ""}`;
}

/**
 * Shows all moments of a part of the page as they are to be.
 * @param {ParentNode} part
 */
export function show(part) {
  const utc = isUtc();
  for (const time of part.querySelectorAll("time[datetime]")) {
    const date = new Date(time.getAttribute("datetime") ?? "");
    if (!Number.isNaN(date.getTime())) time.textContent = written(date, utc);
  }
  const zone = utc || local === "UTC" ? "UTC" : offset();
  for (const place of part.querySelectorAll("[data-zone]")) place.textContent = zone;
  for (const input of part.querySelectorAll("input[type=datetime-local][data-moment]")) {
    const date = new Date(input.getAttribute("data-moment") ?? "");
    if (input instanceof HTMLInputElement && !Number.isNaN(date.getTime())) {
      input.value = written(date, utc).slice(0, 19).replace(" ", "T");
    }
  }
  const button = find("#zone", HTMLButtonElement);
  if (button) {
    button.hidden = false;
    button.textContent = utc || local === "UTC" ? "UTC" : `${local.replaceAll("_", " ")} (${offset()})`;
    button.setAttribute("aria-pressed", String(utc));
  }
}

/** The other zone, from now on. */
export function toggle() {
  const utc = !isUtc();
  try {
    localStorage.setItem(KEY, utc ? "UTC" : "local");
  } catch {
    // It is kept for nobody, then.
  }
  show(document);
}

/**
 * What a form has of a moment is of the zone that is shown; what is asked for is UTC.
 * @param {string} value as an input has it, without a zone
 */
export function asked(value) {
  if (!value || /Z$|[+-]\d\d:\d\d$/.test(value)) return value;
  const date = new Date(isUtc() ? `${value}Z` : value);
  return Number.isNaN(date.getTime()) ? value : date.toISOString();
}

when("click", "#zone", toggle);

document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || !event.clipboardData) return;
  const selected = selection.rangeCount ? selection.getRangeAt(0).cloneContents() : null;
  if (!selected?.querySelector("time")) return;
  for (const time of selected.querySelectorAll("time")) time.textContent = time.dateTime;
  for (const zone of selected.querySelectorAll("[data-zone]")) zone.textContent = "UTC";
  const rows = [...selected.querySelectorAll("tr")];
  const cells = /** @param {Element} row */ (row) =>
    [...row.querySelectorAll("th, td")].map((cell) => cell.textContent?.trim()).join("\t");
  event.clipboardData.setData("text/plain", rows.length ? rows.map(cells).join("\n") : selected.textContent ?? "");
  event.preventDefault();
});
