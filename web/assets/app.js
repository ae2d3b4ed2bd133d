// @ts-check
// What a page begins with, and each part of it that comes later.
import { show } from "./zone.js";
import { tidy } from "./filter.js";
import { reopen } from "./columns.js";
import { offerHelp } from "./keys.js";
import { begin } from "./live.js";
import "./export.js";

function start() {
  show(document);
  offerHelp();
  begin();
}

document.addEventListener("htmx:afterSettle", () => {
  reopen();
  start();
});
// `tidy` is what htmx is told as well; it is named here, so that the module is there before anything is sent.
void tidy;
start();
// In a narrow window the way there is longer than what is to be seen of it.
document.querySelector(".top [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
