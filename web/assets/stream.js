// @ts-check
// The one stream of a page of a session: closed while the page is hidden, and opened again where it stopped, with the ticket
// that says that it is the same look.

/** Between attempts, at first and at most. */
const AGAIN = 1000;
const SELDOM = 30000;

export class Stream {
  /** @type {EventSource | undefined} */
  #source;
  /** @type {string | undefined} */
  #cursor;
  /** @type {string | undefined} */
  #ticket;
  #failures = 0;
  #timer = 0;
  #isOver = false;

  /**
   * @param {string} address
   * @param {Record<string, (data: string) => void>} heard what is done with each kind of message
   */
  constructor(address, heard) {
    this.address = address;
    this.heard = heard;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.open()));
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    this.open();
  }

  /** Opens it, anew where it is open. */
  open() {
    this.#close();
    if (this.#isOver || document.hidden) return;
    const address = new URL(this.address, location.href);
    if (this.#cursor) address.searchParams.set("cursor", this.#cursor);
    if (this.#ticket) address.searchParams.set("ticket", this.#ticket);
    const source = new EventSource(address);
    source.addEventListener("ticket", (message) => (this.#ticket = message.data));
    for (const [name, hear] of Object.entries(this.heard)) {
      source.addEventListener(name, (message) => {
        if (message.lastEventId) this.#cursor = message.lastEventId;
        // What opens and tells nothing is as good as closed.
        this.#failures = 0;
        hear(message.data);
      });
    }
    source.addEventListener("error", async () => {
      if (this.#source !== source) return;
      this.#close();
      this.#timer = setTimeout(() => this.open(), Math.min(AGAIN * 2 ** this.#failures, SELDOM));
      this.#failures += 1;
      if (this.#failures < 2) return;
      const me = await fetch("/api/v2/me").catch(() => null);
      // Who is signed in no more has to do that, and comes back to this page.
      if (me?.status === 401) location.reload();
    });
    this.#source = source;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  /** Nothing more comes. */
  end() {
    this.#isOver = true;
    this.#close();
  }
}
