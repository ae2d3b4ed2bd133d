// @ts-check
// What happened when in a session, and what was found in it: a timeline, and lists.
import { find } from "./dom.js";

/** How wide the timeline is, in its own units. */
const WIDTH = 1000;

/** What was found. @type {number[]} */
let hits = [];

/** How much of the recording can be played, in seconds. */
export function length() {
  return Number(find("#timeline", SVGElement)?.dataset.duration) || 0;
}

/** @param {number} at */
function place(at) {
  return String(length() ? (Math.min(at / length(), 1) * WIDTH) : 0);
}

/**
 * Which moment of the timeline somebody points to.
 * @param {MouseEvent} event
 * @param {SVGElement} line
 */
export function pointed(event, line) {
  const box = line.getBoundingClientRect();
  return Math.round(((event.clientX - box.x) / box.width) * length() * 10) / 10;
}

/** Commands in their order. */
export function commands() {
  return [...document.querySelectorAll("#commands > [data-at]")].filter((command) => command instanceof HTMLElement);
}

/**
 * Shows the moment that is played, and its command.
 * @param {number} now
 */
export function light(now) {
  find("#playhead", SVGElement)?.setAttribute("x", place(now));
  const current = commands().findLast((command) => Number(command.dataset.at) <= now + 0.000001) ?? null;
  const before = document.querySelector("#commands [aria-current]");
  if (before === current) return;
  before?.removeAttribute("aria-current");
  current?.setAttribute("aria-current", "true");
  const list = find("#commands", HTMLElement);
  if (current && list) list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 3;
}

/** @param {string} html */
function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/**
 * Puts a command into the list: one that is new, or one that has ended.
 * @param {string} html
 */
export function put(html) {
  const item = parsed(html).querySelector("li");
  const list = find("#commands", HTMLElement);
  if (!item || !list) return;
  document.adoptNode(item);
  const there = commands().find((command) => command.dataset.id === item.dataset.id);
  if (there?.hasAttribute("aria-current")) item.setAttribute("aria-current", "true");
  const next = commands().find((command) => Number(command.dataset.at) > Number(item.dataset.at));
  if (there) there.replaceWith(item);
  else list.insertBefore(item, next ?? null);
  find("#no-commands", HTMLElement)?.remove();
}

/**
 * Puts what has changed of the page into the place of what was there.
 * @param {string} html
 */
export function change(html) {
  for (const part of [...parsed(html).body.children]) {
    const before = document.getElementById(part.id);
    if (!before || before.innerHTML === part.innerHTML) continue;
    document.adoptNode(part);
    if (before instanceof HTMLDetailsElement && part instanceof HTMLDetailsElement) part.open = before.open;
    before.replaceWith(part);
  }
  mark();
}

/** Shows on the timeline what was found. */
function mark() {
  const marks = hits.map((at) => {
    const hit = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of [["x", place(at)], ["y", "20"], ["width", "2"], ["height", "36"]]) hit.setAttribute(name, value);
    return hit;
  });
  find("#hits", SVGGElement)?.replaceChildren(...marks);
}

/**
 * Finds a text in commands and output, and shows where; says how many there are, or what is wrong.
 * @param {string} text
 * @param {string} address where lines of the output are found
 */
export async function search(text, address) {
  const list = find("#found", HTMLElement);
  hits = [];
  let many = 0;
  for (const command of commands()) {
    const isFound = text !== "" && (command.textContent ?? "").toLowerCase().includes(text.toLowerCase());
    command.classList.toggle("found", isFound);
    if (isFound) hits.push(Number(command.dataset.at));
    many += Number(isFound);
  }
  list?.replaceChildren();
  mark();
  if (text === "" || !list) return "";
  const answer = await fetch(`${address}?${new URLSearchParams({ text })}`);
  const page = parsed(await answer.text());
  if (!answer.ok) return page.querySelector(".wrong")?.textContent ?? answer.statusText;
  const lines = page.querySelector("ol");
  if (lines) list.replaceChildren(document.adoptNode(lines));
  for (const line of list.querySelectorAll("[data-at]")) hits.push(Number(line.getAttribute("data-at")));
  mark();
  return `${page.querySelector("p")?.textContent ?? ""}, ${many} command${many === 1 ? "" : "s"}`;
}
