// What opens above the page: keys, history, progress with agreement and anchoring.

import { byId, el, fill, plural } from "./dom.js";
import { definitionOf, titleOf } from "./boxes.js";
import { get } from "./server.js";

/** Opens the dialog with a title and content. */
export function open(title, ...content) {
  const view = byId("view");
  fill(
    view,
    el("div", { class: "view-head" }, el("h2", { id: "view-title" }, title), el("button", { type: "button", onclick: () => view.close() }, "Close ", el("kbd", {}, "Esc"))),
    el("div", { class: "view-body", tabindex: "0" }, content),
  );
  if (!view.open) view.showModal();
}

export const isOpen = () => document.querySelector("dialog[open]") !== null;

/** The keys, and the switch that turns single keys off. */
export function showHelp(flags, keysOn, onSwitch) {
  const commands = [
    ["Enter", "Accept: the ticks are right"],
    ["X", "Reject: the note is no good"],
    ["I", "Ignore: I cannot say"],
    ["Z", "Undo the answer on screen, else the last one"],
    ["↓ or J, ↑ or K", "Next or previous flag"],
    ["Space", "Tick or untick it"],
    ["E", "Jump to its evidence in the note, again for the next"],
    ["D", "Show or hide its definition and sources"],
    ["?", "These keys"],
    ["Esc", "Close"],
  ];
  const on = el("input", { type: "checkbox", id: "keys-on", onchange: () => onSwitch(on.checked) });
  on.checked = keysOn;
  open(
    "Keys",
    el("p", {}, el("label", { for: "keys-on" }, on, " Single keys act (turn off when you dictate or use speech input)")),
    table(["Key", "Does"], commands.map(([key, does]) => [el("kbd", {}, key), does])),
    el("h3", {}, "Flags"),
    table(["Key", "Flag", "True if and only if it was performed in this encounter"], flags.map((one) => [el("kbd", {}, one.key.toUpperCase()), one.title, one.definition])),
  );
}

/** The annotator's own answers; a row opens its note again. */
export async function showHistory(batch, onOpen) {
  const past = await get(`history${batch ? `?batch=${encodeURIComponent(batch)}` : ""}`);
  const rows = past.map((one) => [
    new Date(one.answered_at * 1000).toLocaleString(),
    el("button", { type: "button", class: "plain", onclick: () => (byId("view").close(), onOpen(one.task_id)) }, one.encounter_id),
    one.verdict,
    one.verdict === "accept" ? plural(one.ticked, "flag") : "",
    one.batch,
  ]);
  open(
    "Your answers",
    rows.length ? table(["When", "Encounter", "Answer", "Ticked", "Batch"], rows) : el("p", {}, "None yet."),
    rows.length ? el("p", { class: "hint" }, "Open one to look at it, change it or undo it.") : null,
  );
}

/** Batches, annotators, kappa and anchoring. */
export async function showProgress() {
  const [progress, { agreement, anchoring }] = await Promise.all([get("progress"), get("agreement")]);
  open(
    "Progress",
    el("h3", {}, "Batches"),
    table(
      ["Batch", "Notes", "Answered by anybody", "Annotators per note"],
      progress.batches.map((one) => [one.batch, String(one.tasks), String(one.answered), String(one.overlap)]),
    ),
    el("h3", {}, "Annotators"),
    table(
      ["Name", "Accepted", "Rejected", "Ignored", "Pace"],
      Object.entries(progress.annotators).map(([name, one]) => [name, String(one.accept), String(one.reject), String(one.ignore), one.median_seconds === null ? "" : `${Math.round(one.median_seconds)} s a note`]),
    ),
    el("h3", {}, "Agreement"),
    agreement ? agreed(agreement) : el("p", {}, "Not measured yet: it takes notes that two annotators answered."),
    el("h3", {}, "Anchoring: how far the prefill pulls"),
    anchoring ? pulled(anchoring) : el("p", {}, "Not measured yet: it takes answered blind notes beside answered notes with prefill in one batch."),
  );
}

function agreed(found) {
  const rows = found.labels
    .filter((one) => one.both_yes + one.one_yes > 0)
    .map((one) => [titleOf(one.label), interval(one.kappa), String(one.both_yes), String(one.one_yes), String(one.compared)]);
  return [
    el("p", {}, `${plural(found.notes, "note")} answered by two or more of ${found.annotators.join(", ")}. Cohen's kappa, mean over flags: ${interval(found.mean_kappa)}.`),
    table(["Flag", "Kappa (95 % interval)", "Both yes", "One yes", "Compared"], rows),
    el("p", { class: "hint" }, "Intervals are over notes; there is none where no note shows how far it could be off. Flags that nobody ticked are left out: kappa is not defined for them."),
  ];
}

function pulled(found) {
  const rows = ["ticked", "unticked"].flatMap((kind) =>
    found[kind].flags
      .filter((one) => one.shown_accepted + one.blind_accepted > 0)
      .map((one) => [titleOf(one.flag), kind, share(one.shown_accepted, one.shown), share(one.blind_accepted, one.blind), interval(one.pull)]),
  );
  return [
    el("p", {}, `${plural(found.blind_notes, "note")} answered blind, ${found.shown_notes} with prefill. Accepted with prefill less accepted blind: ${interval(found.ticked.pooled)} where the prefill ticks, ${interval(found.unticked.pooled)} where it does not.`),
    table(["Flag", "Prefill", "Accepted with it", "Accepted blind", "Pull (95 % interval)"], rows),
  ];
}

const share = (part, whole) => (whole ? `${part} of ${whole}` : "none");
const number = (value) => value.toFixed(2).replace("-", "−");

function interval(one) {
  if (one.estimate === null) return "not defined";
  const isWide = one.low !== null && one.low < one.high;
  return isWide ? `${number(one.estimate)} (${number(one.low)} to ${number(one.high)})` : `${number(one.estimate)} (no interval)`;
}

function table(heads, rows) {
  return el(
    "div",
    { class: "scroll" },
    el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell)))))),
  );
}

/** A line with a flag's definition, for the review. */
export const definition = (flag) => el("p", { class: "hint" }, definitionOf(flag).definition);
