// Making elements. Text always enters as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** An element with attributes (on* are listeners, booleans are present or absent) and children. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/** Replaces what is inside an element. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

/** Says something to a screen reader, without moving the focus. */
export function say(text) {
  const status = byId("status");
  status.textContent = status.textContent === text ? `${text} ` : text;
}

/** Shows a message above the note until it is replaced; null takes it away. */
export function warn(text) {
  const alert = byId("alert");
  alert.hidden = text === null;
  fill(alert, text === null ? [] : [text, el("button", { type: "button", class: "plain", onclick: () => warn(null) }, "Close")]);
}

export const percent = (share) => `${Math.round(share * 100)} %`;
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
