// @ts-check
// The page of a session: the player, and what follows the moment that it plays.
import { find } from "./dom.js";

/** @typedef {{ seek(where: number): Promise<unknown>, getCurrentTime(): Promise<number> | number, dispose(): void }} Player */

/** What `asciinema-player` defines. @type {any} */
const library = /** @type {any} */ (window).AsciinemaPlayer;

const session = find("#session", HTMLElement);
if (session) begin(session);

/** @param {HTMLElement} session */
function begin(session) {
  const { id = "", csrf = "" } = session.dataset;
  const recording = `/api/v2/session-recordings/${id}`;
  const asked = Number(new URLSearchParams(location.search).get("t"));
  const place = find("#player", HTMLElement);
  /** @type {Player | undefined} */
  let player;
  if (place && session.dataset.plays !== undefined) {
    const isOpen = session.dataset.open !== undefined;
    const source = isOpen ? follow(`${recording}/live`) : { url: `${recording}/player`, driver: "recording", format: "segmented" };
    const startAt = Number.isFinite(asked) && asked > 0 ? asked : 0;
    player = library.create(source, place, {
      fit: "width",
      autoPlay: isOpen,
      preload: true,
      startAt,
      poster: isOpen ? undefined : `npt:${startAt}`,
    });
    /** @type {any} */ (window).player = player;
    if (!isOpen) setInterval(() => void light(session, player), 200);
  }
  const go = /** @param {number} at */ (at) => {
    history.replaceState(null, "", `?t=${at}`);
    void player?.seek(at).then(() => light(session, player));
  };
  session.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const moment = target?.closest("[data-at] a")?.closest("[data-at]");
    if (moment instanceof HTMLElement && player && !session.hasAttribute("data-open")) {
      event.preventDefault();
      go(Number(moment.dataset.at));
    }
    const line = target?.closest("#timeline");
    if (line instanceof SVGElement && player) {
      const box = line.getBoundingClientRect();
      const at = ((/** @type {MouseEvent} */ (event).clientX - box.x) / box.width) * length(session);
      go(Math.round(at * 10) / 10);
    }
    const act = target?.closest("[data-act]");
    if (act instanceof HTMLElement) void ask(act.dataset.act ?? "", act.innerText, id, csrf);
  });
  find("#find", HTMLFormElement)?.addEventListener("submit", (event) => {
    event.preventDefault();
    void search(session, recording);
  });
}

/** @param {HTMLElement} session */
function length(session) {
  return Number(session.dataset.duration) || 0;
}

/**
 * Shows where it plays, and the command of that moment.
 * @param {HTMLElement} session
 * @param {Player | undefined} player
 */
async function light(session, player) {
  const now = await player?.getCurrentTime();
  if (now === undefined) return;
  const whole = length(session);
  find("#playhead", SVGElement)?.setAttribute("x", String(whole ? (now / whole) * 1000 : 0));
  let current = null;
  for (const command of document.querySelectorAll("#commands [data-at]")) {
    if (command instanceof HTMLElement && Number(command.dataset.at) <= now + 0.000001) current = command;
  }
  const before = document.querySelector("#commands [aria-current]");
  if (before === current) return;
  before?.removeAttribute("aria-current");
  current?.setAttribute("aria-current", "true");
  const list = find("#commands", HTMLElement);
  if (current && list) list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 3;
}

/**
 * Plays a session that goes on, as far as it is there and as it grows.
 * @param {string} address
 */
function follow(address) {
  /** @param {{ dispatch(event: string, data?: unknown): void }} callbacks */
  return ({ dispatch }) => {
    const stop = new AbortController();
    const run = async () => {
      const answer = await fetch(address, { signal: stop.signal });
      if (!answer.ok || !answer.body) throw new Error(answer.statusText);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop() ?? "";
        const output = [];
        for (const line of lines) {
          if (!line.startsWith("[")) {
            if (line.startsWith("{")) dispatch("reset", { size: size(JSON.parse(line)), init: undefined });
            if (line.startsWith("{")) dispatch("playing");
            continue;
          }
          const [, code, data] = JSON.parse(line);
          if (code === "o") output.push(data);
          if (code === "r") {
            if (output.length) dispatch("output", output.splice(0).join(""));
            const [cols, rows] = data.split("x").map(Number);
            dispatch("resize", size({ cols, rows }));
          }
        }
        if (output.length) dispatch("output", output.join(""));
      }
      dispatch("ended", { message: "The session has ended" });
    };
    return {
      play: () => {
        dispatch("play");
        run().catch((error) => dispatch("offline", { message: String(error) }));
        return true;
      },
      stop: () => stop.abort(),
      getTiming: () => ({ time: 0, rate: 0, sampledAt: performance.timeOrigin + performance.now() }),
    };
  };
}

/**
 * A size that a screen can have, whatever a recording says.
 * @param {any} said
 */
function size(said) {
  const within = /** @param {unknown} value @param {number} usual @param {number} most */ (value, usual, most) =>
    Math.min(Math.max(Math.trunc(Number(value)) || usual, 2), most);
  const term = said.term ?? said;
  return { cols: within(term.cols ?? term.width, 80, 1000), rows: within(term.rows ?? term.height, 24, 500) };
}

/**
 * Finds a text in commands and output, and shows where.
 * @param {HTMLElement} session
 * @param {string} recording
 */
async function search(session, recording) {
  const text = find("#find-text", HTMLInputElement)?.value.trim() ?? "";
  const list = find("#found", HTMLOListElement);
  const hits = find("#hits", SVGGElement);
  if (!list) return;
  list.replaceChildren();
  hits?.replaceChildren();
  for (const command of document.querySelectorAll("#commands [data-at]")) {
    const isFound = text !== "" && (command.textContent ?? "").toLowerCase().includes(text.toLowerCase());
    command.classList.toggle("found", isFound);
    if (isFound && command instanceof HTMLElement) mark(session, Number(command.dataset.at));
  }
  if (text === "") return;
  const query = new URLSearchParams({ text, connectionIds: session.dataset.id ?? "", count: "200" });
  const answer = await fetch(`/api/v2/session-recordings/search?${query}`);
  if (!answer.ok) return say(await wrong(answer));
  const lines = /** @type {{ offset: number, line: string }[]} */ (await answer.json());
  lines.sort((one, other) => one.offset - other.offset);
  for (const { offset, line } of lines) {
    const item = document.createElement("li");
    item.dataset.at = String(offset);
    const link = document.createElement("a");
    link.href = `?t=${item.dataset.at}`;
    const code = document.createElement("code");
    code.textContent = line;
    link.append(code);
    item.append(link);
    list.append(item);
    mark(session, offset);
  }
  const commands = document.querySelectorAll("#commands .found").length;
  const many = /** @param {number} number @param {string} what */ (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
  say(`${lines.length === 200 ? "200 lines and more" : many(lines.length, "line")} of output, ${many(commands, "command")}`);
}

/**
 * @param {HTMLElement} session
 * @param {number} at
 */
function mark(session, at) {
  const hit = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const whole = length(session);
  for (const [name, value] of [["x", whole ? (at / whole) * 1000 : 0], ["y", 20], ["width", 2], ["height", 36]]) {
    hit.setAttribute(String(name), String(value));
  }
  find("#hits", SVGGElement)?.append(hit);
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
