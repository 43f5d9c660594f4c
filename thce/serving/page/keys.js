// The keyboard: which presses are meant for the page, and whether single keys act at all.

import { isOpen } from "./views.js";

let on = localStorage.getItem("thce.keys") !== "off";

export const areOn = () => on;

/** Turns single keys on or off (WCAG 2.1.4); Enter and the arrows always act. */
export function turn(wanted) {
  on = wanted;
  localStorage.setItem("thce.keys", on ? "on" : "off");
}

/**
 * Listens to the keyboard.
 * @param meaning gives for a key (letters in lower case), and whether it was pressed on a button
 *   or link, what it does now, or null
 */
export function listen(meaning) {
  document.addEventListener("keydown", (event) => {
    const { target, ctrlKey, metaKey, altKey, repeat } = event;
    if (ctrlKey || metaKey || altKey || isOpen()) return;
    if (target.matches("select, textarea, input[type=text], input[type=password]")) return;
    const isSingle = event.key.length === 1;
    if (isSingle && !on) return;
    const key = isSingle ? event.key.toLowerCase() : event.key;
    const act = meaning(key, target.matches("button, a"));
    if (!act) return;
    event.preventDefault();
    if (!repeat || key.startsWith("Arrow")) act();
  });
}
