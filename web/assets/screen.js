// @ts-check
// What is to be seen of a session: its past, from any moment on, or what goes on now.

/**
 * @typedef {{ seek(where: number): Promise<unknown>, getCurrentTime(): Promise<number> | number, dispose(): void, play(): Promise<unknown>,
 *   pause(): Promise<unknown>, addEventListener(event: string, act: () => void): void }} Player
 * @typedef {(event: string, data?: unknown) => void} Dispatch
 * @typedef {{ cols: number, rows: number, init: string }} Whole all of a screen
 */

/** What `asciinema-player` defines. @type {any} */
const library = /** @type {any} */ (window).AsciinemaPlayer;

export class Screen {
  /** @type {Player | undefined} */
  #player;
  /** Where it is asked what is to be played. @type {Dispatch | undefined} */
  #dispatch;
  /** @type {[string, unknown][]} */
  #waiting = [];
  #isPlaying = false;
  /** Where it is going. @type {number | undefined} */
  #goes;
  /** What goes on now is shown. */
  isLive = false;
  /** There was so much of the past when it was begun. */
  end = 0;

  /**
   * @param {HTMLElement} place
   * @param {string} index the address of what there is of the past
   * @param {() => void} ended the end of the past was reached
   */
  constructor(place, index, ended) {
    this.place = place;
    this.index = index;
    this.ended = ended;
  }

  get isShown() {
    return this.#player !== undefined;
  }

  /**
   * Shows the past.
   * @param {number} at from then on, in seconds
   * @param {number} end there is so much
   * @param {boolean} [plays] and it goes on
   */
  past(at, end, plays = false) {
    this.isLive = false;
    this.end = end;
    this.#begin({ url: this.index, driver: "recording", format: "segmented" }, { startAt: at, autoPlay: plays, poster: plays ? undefined : `npt:${at}` });
  }

  /** Shows what goes on now, once it has been said what that is. */
  live() {
    this.isLive = true;
    this.#waiting = [];
    const source = /** @param {{ dispatch: Dispatch }} callbacks */ ({ dispatch }) => ({
      play: () => {
        this.#dispatch = dispatch;
        dispatch("play");
        for (const [event, data] of this.#waiting.splice(0)) dispatch(event, data);
        return true;
      },
      stop: () => (this.#dispatch = undefined),
      getTiming: () => ({ time: 0, rate: 0, sampledAt: performance.timeOrigin + performance.now() }),
    });
    this.#begin(source, { autoPlay: true });
  }

  /** @param {unknown} source @param {object} options */
  #begin(source, options) {
    this.#player?.dispose();
    this.#dispatch = undefined;
    this.#goes = undefined;
    this.#isPlaying = false;
    const player = library.create(source, this.place, { fit: "width", preload: true, ...options });
    player.addEventListener("playing", () => (this.#isPlaying = true));
    player.addEventListener("pause", () => (this.#isPlaying = false));
    player.addEventListener("ended", () => {
      this.#isPlaying = false;
      if (this.#player === player && !this.isLive) this.ended();
    });
    this.#player = /** @type {any} */ (window).player = player;
  }

  /** @param {string} event @param {unknown} [data] */
  #say(event, data) {
    if (!this.isLive) return;
    if (this.#dispatch) this.#dispatch(event, data);
    else this.#waiting.push([event, data]);
  }

  /** @param {Whole} whole what is to be seen now */
  show({ cols, rows, init }) {
    this.#waiting = [];
    this.#say("reset", { size: { cols, rows }, init });
    this.#say("playing");
  }

  /** @param {[number, string, string][]} events what came behind it */
  output(events) {
    const text = /** @type {string[]} */ ([]);
    const flush = () => text.length && this.#say("output", text.splice(0).join(""));
    for (const [, code, data] of events) {
      if (code === "o") text.push(data);
      if (code !== "r") continue;
      flush();
      const [cols, rows] = data.split("x").map(Number);
      this.#say("resize", { cols, rows });
    }
    flush();
  }

  /** The moment that is shown, of the past. */
  async now() {
    return this.isLive ? undefined : await this.#player?.getCurrentTime();
  }

  /**
   * Goes to a moment of the past.
   * @param {number} at
   * @param {number} end there is so much by now
   */
  async seek(at, end) {
    if (this.isLive || !this.#player || (at > this.end && end > this.end)) this.past(at, end, this.#isPlaying && !this.isLive);
    else {
      this.#goes = at;
      await this.#player.seek(at);
      if (this.#goes === at) this.#goes = undefined;
    }
  }

  /**
   * Takes in what has come, at the moment that is shown.
   * @param {number} end
   */
  async renew(end) {
    const isPlaying = this.#isPlaying;
    const now = await this.now();
    this.past(this.#goes ?? now ?? 0, end, isPlaying);
  }

  /** Plays, or stops to. */
  toggle() {
    if (this.isLive) return;
    if (this.#isPlaying) void this.#player?.pause();
    else void this.#player?.play();
  }
}
