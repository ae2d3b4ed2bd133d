// @ts-check
// Rows that come while the page is open: one stream a page, closed while nobody sees it, gone on with behind what came last.
import { find, when } from "./dom.js";
import { show } from "./zone.js";

/** More rows than this make a page slow, and nobody reads them. */
const MOST = 1000;

/** So many wait; what comes after them is only counted, and read anew from the server. */
const WAITING = 500;

/** A stream that breaks is opened again after so long, and after twice as long each time that comes to nothing, */
const AGAIN = 1000;

/** but at least so often. */
const SELDOM = 30_000;

/** @type {EventSource | null} */
let stream = null;
/** @type {string | null} */
let cursor = null;
/** @type {{ id: string, row: string }[]} */
let waiting = [];
let count = 0;
/** So many came that stand further back than this page. */
let late = 0;
let timer = 0;
let failures = 0;

const table = () => find("#log", HTMLTableElement);
const isPaused = () => find("#pause", HTMLButtonElement)?.getAttribute("aria-pressed") === "true";

/** @param {string} html @returns {HTMLTableRowElement | null} */
function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.querySelector("tr");
}

/** @param {string} html a row as the server writes it, escaped as in its pages @param {boolean} isNew */
function put(html, isNew) {
  const body = table()?.tBodies[0];
  const row = made(html);
  if (!body || !row) return;
  show(row);
  const there = document.getElementById(row.id);
  if (there) {
    const hadFocus = there === document.activeElement;
    const place = there.getAttribute("data-place");
    if (place) row.setAttribute("data-place", place);
    there.replaceWith(row);
    if (hadFocus) row.focus();
  } else if (isNew) {
    const next = [...body.rows].find((other) => moment(other) <= moment(row));
    // What is older than all there is, where there is more, stands on another page.
    if (!next && body.rows.length && find("#next", HTMLAnchorElement)) {
      late += 1;
      return;
    }
    row.classList.add("new");
    body.insertBefore(row, next ?? null);
    document.querySelector("#page > .empty")?.remove();
    trim(body);
  }
}

/**
 * When it was: moments are written so that texts compare as they do.
 * @param {HTMLTableRowElement} row
 */
function moment(row) {
  return row.querySelector("time")?.dateTime ?? "";
}

/** @param {HTMLTableSectionElement} body */
function trim(body) {
  while (body.rows.length > MOST) body.deleteRow(-1);
  if (body.rows.length < MOST) return;
  const next = find("#next", HTMLAnchorElement);
  const place = body.rows[body.rows.length - 1]?.getAttribute("data-place");
  if (!next) return;
  if (place) {
    const address = new URL(next.href);
    address.searchParams.set("before", place);
    next.href = address.href;
  } else next.remove();
}

function say() {
  const button = find("#pause", HTMLButtonElement);
  const state = find("#live-state", HTMLElement);
  if (!button || !state) return;
  const paused = isPaused();
  button.hidden = false;
  button.textContent = paused ? (count ? `Show ${count} new` : "Go on") : "Pause";
  const further = late ? `, ${late} came late: further back` : "";
  const live = stream?.readyState === EventSource.OPEN ? `live${further}` : "connecting …";
  const said = paused ? `paused, ${count} waiting` : live;
  if (state.textContent !== said) state.textContent = said;
  state.className = paused ? "paused" : stream?.readyState === EventSource.OPEN ? "live" : "";
}

/** @param {MessageEvent<string>} message @param {boolean} isNew */
function came(message, isNew) {
  if (message.lastEventId) cursor = message.lastEventId;
  if (!isPaused()) {
    put(message.data, isNew);
    return say();
  }
  const id = made(message.data)?.id ?? "";
  const there = waiting.find((other) => other.id === id);
  if (there) there.row = message.data;
  else if (isNew) {
    count += 1;
    if (waiting.length < WAITING) waiting.push({ id, row: message.data });
  } else put(message.data, false);
  say();
}

function close() {
  clearTimeout(timer);
  stream?.close();
  stream = null;
}

function open() {
  close();
  const address = table()?.dataset.live;
  if (!address || document.hidden) return;
  const from = new URL(address, location.href);
  cursor ??= from.searchParams.get("cursor");
  if (cursor) from.searchParams.set("cursor", cursor);
  stream = new EventSource(from);
  stream.addEventListener("row", (message) => came(message, true));
  stream.addEventListener("change", (message) => came(message, false));
  stream.addEventListener("open", () => {
    failures = 0;
    say();
  });
  stream.addEventListener("error", async () => {
    // The browser would try again by itself, but not after all that a server says; and here the address says where to go on.
    close();
    say();
    timer = setTimeout(open, Math.min(AGAIN * 2 ** failures, SELDOM));
    failures += 1;
    if (failures < 2) return;
    const me = await fetch("/api/v2/me").catch(() => null);
    // Who is signed in no more has to do that, and comes back to this page.
    if (me?.status === 401) location.reload();
  });
  say();
}

/** Begins with what is shown by now. */
export function begin() {
  cursor = null;
  waiting = [];
  count = 0;
  late = 0;
  open();
}

when("click", "#pause", (button) => {
  const paused = !isPaused();
  button.setAttribute("aria-pressed", String(paused));
  const address = new URL(location.href);
  if (paused) address.searchParams.set("live", "paused");
  else address.searchParams.delete("live");
  history.replaceState(history.state, "", address);
  if (!paused && count > waiting.length) return location.reload();
  if (!paused) {
    for (const { row } of waiting) put(row, true);
    waiting = [];
    count = 0;
  }
  say();
});

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
