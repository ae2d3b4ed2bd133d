// @ts-check
// What happened when in a session, and what was found in it: a timeline, and lists.
import { find } from "./dom.js";

/** How wide the timeline is, in its own units. */
const WIDTH = 1000;

/** What was found: when, and which commands, by their ids. @type {number[]} */
let hits = [];
/** @type {Set<string>} */
let found = new Set();

/** So often something was looked for. */
let searches = 0;

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
  item.classList.toggle("found", found.has(item.dataset.id ?? ""));
  const next = commands().find((command) => Number(command.dataset.at) > Number(item.dataset.at));
  if (there) there.replaceWith(item);
  else {
    list.insertBefore(item, next ?? null);
    draw([item]);
  }
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
  // It comes without them.
  if (!find("#timeline .commands rect", SVGElement)) draw(commands());
  mark();
}

/**
 * A moment on the timeline.
 * @param {number} at
 * @param {string} y
 * @param {string} height
 * @param {string} [title]
 */
function moment(at, y, height, title) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [["x", place(at)], ["y", y], ["width", "2"], ["height", height]]) rect.setAttribute(name, value);
  if (title === undefined) return rect;
  const words = document.createElementNS("http://www.w3.org/2000/svg", "title");
  words.textContent = title;
  rect.append(words);
  return rect;
}

/**
 * Shows commands of the list on the timeline, as far as that goes.
 * @param {HTMLElement[]} commands
 */
function draw(commands) {
  const there = commands.filter((command) => Number(command.dataset.at) <= length());
  const text = /** @param {HTMLElement} command */ (command) => command.querySelector("code")?.textContent ?? "";
  const drawn = there.map((command) => moment(Number(command.dataset.at), "10", "10", text(command)));
  find("#timeline .commands", SVGGElement)?.append(...drawn);
}

/** Shows on the timeline what was found. */
function mark() {
  find("#hits", SVGGElement)?.replaceChildren(...hits.map((at) => moment(at, "20", "36")));
}

/** Shows in the list which commands were found. */
function underline() {
  for (const command of commands()) command.classList.toggle("found", found.has(command.dataset.id ?? ""));
}

/**
 * Finds a text in commands and output, and shows where; says how many there are, or what is wrong. Nothing where something else was
 * looked for meanwhile.
 * @param {string} text
 * @param {string} address where it is found
 */
export async function search(text, address) {
  const list = find("#found", HTMLElement);
  const turn = (searches += 1);
  show([], []);
  if (text === "" || !list) return "";
  const answer = await fetch(`${address}?${new URLSearchParams({ text })}`).catch(() => null);
  const said = (await answer?.text().catch(() => undefined)) ?? "";
  if (turn !== searches) return undefined;
  if (!answer) return "The server does not answer.";
  if (answer.redirected) {
    // Who is signed in no more has to do that, and comes back to this page.
    location.reload();
    return "";
  }
  const page = parsed(said);
  if (!answer.ok) return page.querySelector(".wrong")?.textContent ?? answer.statusText;
  const [first, ...parts] = page.body.children;
  show([...page.querySelectorAll("[data-at]")], parts);
  return first?.textContent ?? "";

  /** @param {Element[]} moments @param {Element[]} parts */
  function show(moments, parts) {
    hits = moments.map((moment) => Number(moment.getAttribute("data-at")));
    found = new Set(moments.flatMap((moment) => moment.getAttribute("data-id") ?? []));
    underline();
    mark();
    list?.replaceChildren(...parts.map((part) => document.adoptNode(part)));
  }
}
