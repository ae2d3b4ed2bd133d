// @ts-check
// The page of a session: what is to be seen, the moment of it, what comes while it goes on, and what may be done with it.
import { find, isText } from "./dom.js";
import { change, commands, length, light, pointed, put, search } from "./moments.js";
import { Screen } from "./screen.js";
import { Stream } from "./stream.js";

const session = find("#session", HTMLElement);
if (session) begin(session);

/** @param {HTMLElement} session */
function begin(session) {
  const { id = "", csrf = "", stream: address } = session.dataset;
  const asked = Number(new URLSearchParams(location.search).get("t"));
  const isOpen = session.dataset.open !== undefined;
  const place = find("#player", HTMLElement);
  const screen = place && session.dataset.plays !== undefined ? new Screen(place, `/api/v2/session-recordings/${id}/player`, ended) : undefined;
  let isOver = false;
  let isWhole = film() === "whole";
  /** @type {Stream | undefined} */
  let stream;

  /** Shows what was asked for, or what goes on, as soon as there is something. */
  function show() {
    if (!screen || screen.isShown) return;
    const at = Number.isFinite(asked) && asked > 0 ? asked : 0;
    if (isOpen && !(at && film() === "so-far")) screen.live();
    else if (film() === "whole" || film() === "so-far") screen.past(at, length());
    offer();
  }

  /** @param {number} at */
  function go(at) {
    if (!screen) return;
    history.replaceState(null, "", `?t=${at}`);
    if (at > length() && !isWhole) say("That moment is not prepared yet.");
    void screen.seek(at, length()).then(follow);
    offer();
  }

  /** Back to what goes on. */
  function live() {
    if (!screen || screen.isLive) return;
    history.replaceState(null, "", location.pathname);
    screen.live();
    offer();
    // It begins with the screen of now.
    stream?.open();
  }

  /** The way back stands there where somebody has left. */
  function offer() {
    const button = find("#to-live", HTMLButtonElement);
    if (button) button.hidden = !screen || screen.isLive || isOver;
  }

  /** The end of what there was of the past. */
  function ended() {
    if (!screen || isWhole) return;
    if (length() > screen.end) screen.past(screen.end, length(), true);
    else if (isOpen && !isOver) live();
  }

  async function follow() {
    const now = screen?.isLive ? Infinity : await screen?.now();
    if (now !== undefined) light(now);
  }

  /** @param {string} html */
  async function grown(html) {
    change(html);
    offer();
    show();
    if (film() !== "whole" || isWhole) return void follow();
    isWhole = true;
    stream?.end();
    // It is whole only of what has ended.
    if (isOpen) return over();
    if (screen?.isShown && !screen.isLive) await screen.renew(length());
    say("All of it is prepared.");
  }

  /** The session has ended, and all of it is there. */
  function over() {
    if (screen?.isLive) return location.replace(`?t=${length()}`);
    say("The session has ended. ");
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Show all of it";
    find("#said", HTMLElement)?.append(link);
  }

  show();
  const timer = setInterval(() => {
    if (session.isConnected) return void follow();
    // Another page has taken its place.
    clearInterval(timer);
    stream?.end();
  }, 200);
  if (address) {
    stream = new Stream(address, {
      screen: (data) => screen?.show(JSON.parse(data)),
      output: (data) => screen?.output(JSON.parse(data)),
      command: put,
      film: (data) => void grown(data),
      over: () => {
        isOver = true;
        say("The session has ended.");
        offer();
      },
      gone: () => {
        stream?.end();
        say("The recording was deleted.");
      },
    });
  }

  session.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const moment = target?.closest("[data-at] a:not(.whole)")?.closest("[data-at]");
    if (moment instanceof HTMLElement && screen) {
      event.preventDefault();
      go(Number(moment.dataset.at));
    }
    const line = target?.closest("#timeline");
    if (line instanceof SVGElement && event instanceof MouseEvent) go(pointed(event, line));
    if (target?.closest("#to-live")) live();
    const act = target?.closest("[data-act]");
    if (act instanceof HTMLElement) void ask(act.dataset.act ?? "", act.innerText, id, csrf);
  });
  find("#find", HTMLFormElement)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = await search(find("#find-text", HTMLInputElement)?.value.trim() ?? "", `${location.pathname}/found`);
    if (said !== undefined) say(said);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !session.isConnected) return;
    const isTaken = isText(event.target) || (event.target instanceof Element && event.target.closest("button, summary, .ap-player"));
    if (isTaken || document.querySelector("dialog[open]")) return;
    if (event.key === " ") screen?.toggle();
    else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
    else return;
    event.preventDefault();
  });

  /** @param {number} by so many commands on, or back */
  function step(by) {
    const all = commands();
    const current = all.findIndex((command) => command.hasAttribute("aria-current"));
    const next = all[Math.min(Math.max(current + by, 0), all.length - 1)];
    if (next) go(Number(next.dataset.at));
  }
}

/** What there is of the film: `whole`, `so-far`, `later`, `nothing`. */
function film() {
  return find("#prepared", HTMLElement)?.dataset.film;
}

/**
 * Asks why, and does it.
 * @param {string} act
 * @param {string} title
 * @param {string} id
 * @param {string} csrf
 */
async function ask(act, title, id, csrf) {
  const dialog = find("#ask", HTMLDialogElement);
  const reason = find("input[name=reason]", HTMLInputElement, dialog ?? document);
  if (!dialog || !reason) return;
  const heading = find("#ask-title", HTMLElement);
  if (heading) heading.textContent = title;
  reason.value = "";
  reason.required = act !== "release";
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  if (dialog.returnValue !== "do") return;
  const recording = `/api/v2/session-recordings/${id}`;
  const why = { reason: reason.value };
  const [method, address, body] = {
    close: ["PATCH", `/api/v2/connections/${id}/close`, why],
    delete: ["DELETE", `${recording}?${new URLSearchParams(why)}`, undefined],
    hold: ["PUT", `${recording}/hold`, why],
    release: ["DELETE", `${recording}/hold`, undefined],
  }[act] ?? ["", "", undefined];
  const headers = { "x-csrf-token": csrf, "content-type": "application/json" };
  const answer = await fetch(String(address), { method: String(method), headers, body: body && JSON.stringify(body) });
  if (!answer.ok) return say(await wrong(answer));
  // It ends in a moment, and the stream says so.
  if (act === "close") return say("The session is being closed.");
  location.reload();
}

/** @param {Response} answer */
async function wrong(answer) {
  const said = await answer.json().catch(() => ({}));
  return said.errorMsg ?? answer.statusText;
}

/** @param {string} what */
function say(what) {
  const place = find("#said", HTMLElement);
  if (place) place.textContent = what;
}
