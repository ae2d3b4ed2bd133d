// @ts-check
// Exports: the browser downloads each by itself, in constant memory; how far it is, and whether it goes on, is the server's to
// say, under an id that is chosen here.
import { find, when } from "./dom.js";
import { show } from "./zone.js";

/** So often it is asked how far one is. */
const OFTEN = 500;

/** So often it is asked in vain before it is taken for one of which nothing is known. */
const VAIN = 6;

/** @typedef {{ state: string, events: number, bytes: number, timestamp?: string }} Progress */

/** Sixteen random bytes as a UUID: `crypto.randomUUID` is only where there is TLS. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] ?? 0) & 0x0f | 0x40;
  bytes[8] = (bytes[8] ?? 0) & 0x3f | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** @param {number} bytes */
function size(bytes) {
  let number = bytes;
  const units = ["B", "kB", "MB", "GB", "TB"];
  while (number >= 999.95 && units.length > 1) {
    number /= 1000;
    units.shift();
  }
  return `${units[0] === "B" ? number : number.toFixed(1)} ${units[0]}`;
}

/** @param {Progress} progress */
function said({ state, events, bytes }) {
  const made = `${events.toLocaleString("en").replaceAll(",", "\u{202f}")} rows, ${size(bytes)}`;
  const how = { running: "", complete: "done: ", stopped: "stopped after ", broken: "broken off after " }[state] ?? "";
  return how + made;
}

/**
 * @param {string} name
 * @param {string} id
 * @param {string} csrf
 */
async function follow(name, id, csrf) {
  const list = find("#exports", HTMLElement);
  if (!list) return;
  const item = document.createElement("li");
  const text = document.createElement("span");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Cancel";
  item.append(Object.assign(document.createElement("strong"), { textContent: name }), text, button);
  list.append(item);
  let isOver = false;
  button.addEventListener("click", () => {
    if (isOver) return item.remove();
    button.disabled = true;
    void fetch(`/api/v2/exports/${id}`, { method: "DELETE", headers: { "x-csrf-token": csrf } });
  });
  text.textContent = "begins …";
  for (let vain = 0; vain < VAIN && !isOver; ) {
    await new Promise((done) => setTimeout(done, OFTEN));
    const answer = await fetch(`/api/v2/exports/${id}`).catch(() => null);
    if (!answer?.ok) {
      vain += 1;
      continue;
    }
    vain = 0;
    /** @type {Progress} */
    const progress = await answer.json();
    isOver = progress.state !== "running";
    item.dataset.state = progress.state;
    text.textContent = said(progress);
    if (progress.timestamp && !isOver) {
      const time = Object.assign(document.createElement("time"), { dateTime: progress.timestamp });
      text.append(", now at ", time);
      show(text);
    }
  }
  if (!isOver) text.textContent = "the browser has it; how far it is cannot be seen from here";
  isOver = true;
  button.disabled = false;
  button.textContent = "Close";
}

when("click", "a[data-export]", (link) => {
  const list = find("#exports", HTMLElement);
  if (!(link instanceof HTMLAnchorElement) || !list) return;
  const id = newId();
  const plain = link.href;
  const address = new URL(plain);
  address.searchParams.set("exportId", id);
  link.href = address.href;
  // It is for this click alone.
  setTimeout(() => (link.href = plain));
  const menu = link.closest("details");
  if (menu) menu.open = false;
  void follow(link.dataset.export ?? "", id, list.dataset.csrf ?? "");
});
