// The checkboxes of a task: disputed ones first, then by group, each with what the sources say.

import { byId, el, fill, percent, plural } from "./dom.js";
import { activate, evidenceOf, jump } from "./note.js";

const SOURCES = { model: "Model", codes: "Codes", text: "Text", form: "Form" };

let flags = new Map();
let boxes = new Map();
let active = null;
let onChange = () => {};

/** Takes the definitions of all flags, and what to call when a box changes. */
export function learn(definitions, changed) {
  flags = new Map(definitions.map((one) => [one.flag, one]));
  onChange = changed;
}

export const titleOf = (flag) => flags.get(flag).title;
export const definitionOf = (flag) => flags.get(flag);
export const activeFlag = () => active;
export const inputs = () => [...byId("boxes").querySelectorAll("input[type=checkbox]")];

/** The flags that are ticked now, in canonical order. */
export const ticked = () => [...boxes.keys()].filter((flag) => input(flag).checked);

/** Shows the boxes of a task with these ticks. */
export function showBoxes(task, ticks) {
  boxes = new Map(task.boxes.map((box) => [box.flag, box]));
  active = null;
  const disputed = task.boxes.filter((box) => box.disputed);
  const groups = new Map();
  for (const box of task.boxes.filter((one) => !one.disputed)) {
    const group = flags.get(box.flag).group;
    groups.set(group, [...(groups.get(group) ?? []), box]);
  }
  fill(
    byId("boxes"),
    disputed.length ? fieldset(`Sources disagree on ${plural(disputed.length, "flag")}`, disputed, ticks, "disputed") : null,
    [...groups].map(([group, inside]) => fieldset(group, inside, ticks, "")),
  );
  byId("boxes").parentElement.scrollTop = 0;
  byId("boxes").scrollTop = 0;
  detail();
  const first = inputs()[0];
  if (first) first.focus({ preventScroll: true });
}

/** Toggles the flag of this key; false where no box has it. */
export function toggleByKey(key) {
  const found = [...boxes.keys()].find((flag) => flags.get(flag).key === key);
  if (!found) return false;
  const box = input(found);
  box.checked = !box.checked;
  box.focus();
  box.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

/** Moves the focus to the next or previous box. */
export function step(by) {
  const all = inputs();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? 0 : (at + by + all.length) % all.length];
  next.focus();
  next.closest("label").scrollIntoView({ block: "nearest" });
}

/** Focuses the box of a flag, as a click on its evidence does. */
export function focusFlag(flag) {
  const box = input(flag);
  if (box) {
    box.focus();
    box.closest("label").scrollIntoView({ block: "nearest" });
  }
}

/** Shows or hides the definition and sources of the active flag. */
export function toggleDetail() {
  const hidden = localStorage.getItem("thce.detail") !== "hidden";
  localStorage.setItem("thce.detail", hidden ? "hidden" : "shown");
  detail();
  return hidden ? "" : detailText();
}

/** Writes the definition, sources and evidence of the active flag below the boxes. */
export function detail() {
  const panel = byId("detail");
  panel.hidden = localStorage.getItem("thce.detail") === "hidden" || active === null;
  if (panel.hidden) return;
  const { title, definition } = flags.get(active);
  const { mentions, passages } = evidenceOf(active);
  const { opinions } = boxes.get(active);
  const evidence = [plural(mentions.length, "mention")];
  if (passages.length) evidence.push(`${plural(passages.length, "passage")} that moved the model`);
  fill(
    panel,
    el("p", {}, el("strong", {}, title), ` ${definition}`),
    opinions.length ? el("p", { class: "opinions" }, opinions.map(long), evidenceButton(evidence.join(", "))) : null,
  );
}

// The focus stays on the flag, so that the keyboard goes on from there.
const evidenceButton = (text) =>
  el("button", { type: "button", class: "plain evidence", "aria-keyshortcuts": "e", onmousedown: (event) => event.preventDefault(), onclick: () => jump(titleOf(active)) }, el("kbd", { "aria-hidden": "true" }, "E"), ` ${text}`);

const detailText = () => (active ? `${titleOf(active)}: ${flags.get(active).definition} ${boxes.get(active).opinions.map(spoken).join(", ")}` : "");
const input = (flag) => byId(`box-${flag}`);

function fieldset(legend, inside, ticks, kind) {
  return el("fieldset", { class: kind }, el("legend", {}, legend), el("div", { class: "rows" }, inside.map((box) => row(box, ticks))));
}

function row(box, ticks) {
  const { title, key } = flags.get(box.flag);
  const said = `said-${box.flag}`;
  const shown = box.disputed ? box.opinions : box.opinions.filter((one) => one.says);
  const check = el("input", {
    type: "checkbox",
    id: `box-${box.flag}`,
    "aria-describedby": box.opinions.length ? said : null,
    "aria-keyshortcuts": key,
    onfocus: () => {
      active = box.flag;
      activate(box.flag);
      detail();
    },
    onchange: () => {
      mark(box);
      onChange(box.flag, check.checked);
    },
  });
  check.checked = ticks.includes(box.flag);
  const line = el(
    "label",
    { class: "row", for: check.id },
    el("kbd", { "aria-hidden": "true" }, key.toUpperCase()),
    check,
    el("span", { class: "title" }, title),
    el("span", { class: "chips", "aria-hidden": "true" }, shown.map(chip)),
    el("span", { class: "sr", id: said }, `${box.disputed ? "Disputed. " : ""}${box.opinions.map(spoken).join(", ")}`),
  );
  line.classList.toggle("changed", check.checked !== box.prefilled);
  return line;
}

function mark(box) {
  input(box.flag).closest("label").classList.toggle("changed", input(box.flag).checked !== box.prefilled);
}

const confidence = (one) => (one.confidence === null ? "" : percent(one.confidence));

function chip(one) {
  const said = one.source === "codes" ? one.detail : one.source === "model" ? confidence(one) : one.says ? "yes" : "no";
  return el("span", { class: `chip ${one.says ? "yes" : "no"}` }, `${SOURCES[one.source]} ${said}`);
}

function long(one) {
  const words = { model: `probability ${confidence(one)}`, codes: one.detail, text: `trust ${confidence(one)}`, form: "" }[one.source];
  return el("span", { class: `chip ${one.says ? "yes" : "no"}` }, `${SOURCES[one.source]}: ${one.says ? "yes" : "no"}${words ? `, ${words}` : ""}`);
}

const spoken = (one) => `${SOURCES[one.source]} says ${one.says ? "yes" : "no"} ${one.detail} ${confidence(one)}`.trim();
