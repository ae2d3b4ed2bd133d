// Plays the recordings of a report: the button of a session opens its player, and a place in a recording goes there.
// Links to places work from elsewhere, too: #play-SESSION-SECONDS.
(() => {
  "use strict";

  const players = new Map();

  const inflate = async (session) => {
    const packed = atob(document.getElementById(`recording-${session}`).textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Response(stream).text();
  };

  const say = (session, text) => {
    document.getElementById(`status-${session}`).textContent = text;
  };

  const open = async (session) => {
    const holder = document.getElementById(`player-${session}`);
    say(session, "The recording is being unpacked.");
    const data = await inflate(session);
    holder.hidden = false;
    const player = AsciinemaPlayer.create({ data: () => data }, holder, {
      fit: "width",
      preload: true,
      terminalFontFamily: "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace",
    });
    document.querySelector(`button[data-session="${session}"]`).hidden = true;
    return player;
  };

  const go = async (session, at) => {
    if (!document.getElementById(`recording-${session}`)) return;
    try {
      if (!players.has(session)) players.set(session, open(session));
      const player = await players.get(session);
      const holder = document.getElementById(`player-${session}`);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      holder.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
      await player.seek(at);
      await player.play();
      say(session, "");
    } catch (error) {
      players.delete(session);
      say(session, `This recording cannot be played here: ${error.message}`);
    }
  };

  const follow = () => {
    const place = /^#play-(\d+)-(\d+(?:\.\d+)?)$/.exec(location.hash);
    if (place) go(place[1], Number(place[2]));
  };

  for (const button of document.querySelectorAll("button.play")) button.hidden = false;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-at]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.hash) history.replaceState(null, "", link.hash);
    go(link.dataset.session, Number(link.dataset.at));
  });
  addEventListener("hashchange", follow);
  follow();
})();
