// The review: notes on which annotators disagree, and the reviewer's ruling.

import { byId, el, fill, plural, say, warn } from "./dom.js";
import { titleOf } from "./boxes.js";
import { activate, showNote } from "./note.js";
import { deliver, get, Refused } from "./server.js";
import { definition } from "./views.js";

let dispute = null;
let onWait = () => {};
let onEmpty = () => {};

/** Starts the review; `empty` is called when nothing is left. */
export async function startReview(waited, empty) {
  onWait = waited;
  onEmpty = empty;
  await showNext(null);
}

/** The first disputed note after this one, in the queue's order. */
async function showNext(after) {
  const queue = await get("conflicts");
  if (queue.length === 0) {
    dispute = null;
    onEmpty();
    return;
  }
  const next = queue.find((one) => after !== null && one.encounter_id > after) ?? queue[0];
  dispute = await get(`conflicts/${encodeURIComponent(next.encounter_id)}`);
  showNote(dispute.text, dispute.mentions);
  const flags = Object.keys(dispute.votes);
  byId("note-title").textContent = `Encounter ${dispute.encounter_id}`;
  fill(byId("note-marks"), el("span", { class: "badge" }, `review: ${plural(queue.length, "note")} disputed`));
  fill(byId("boxes"), el("fieldset", { class: "disputed" }, el("legend", {}, "Annotators disagree"), flags.map(ruling)));
  byId("detail").hidden = true;
  fill(
    byId("actions"),
    el("button", { type: "button", class: "primary", id: "settle", onclick: settle }, "Settle ", el("kbd", {}, "Enter")),
    el("button", { type: "button", onclick: () => showNext(dispute.encounter_id) }, "Later"),
  );
  byId("boxes").querySelector("input").focus();
  say(`Disputed note, ${plural(flags.length, "flag")} to settle`);
}

function ruling(flag) {
  const votes = Object.entries(dispute.votes[flag]);
  const choice = (value, text) => {
    const id = `rule-${flag}-${value}`;
    return el("label", { for: id, class: "choice" }, el("input", { type: "radio", id, name: flag, value, onfocus: () => activate(flag) }), ` ${text}`);
  };
  return el(
    "fieldset",
    { class: "ruling" },
    el("legend", {}, titleOf(flag)),
    definition(flag),
    el("p", { class: "votes" }, votes.map(([name, yes]) => el("span", { class: `chip ${yes ? "yes" : "no"}` }, `${name}: ${yes ? "yes" : "no"}`))),
    choice("true", "Done"),
    choice("false", "Not done"),
  );
}

/** Sends the ruling on the flags that were decided; the others stay disputed. */
export async function settle() {
  if (!dispute) return;
  const chosen = [...byId("boxes").querySelectorAll("input[type=radio]:checked")];
  if (chosen.length === 0) {
    warn("Decide at least one flag.");
    return;
  }
  const decided = Object.fromEntries(chosen.map((one) => [one.name, one.value === "true"]));
  const { encounter_id: encounter, version } = dispute;
  byId("settle").disabled = true;
  try {
    await deliver(`conflicts/${encodeURIComponent(encounter)}`, { version, decided }, onWait);
    warn(null);
    say("Settled");
  } catch (problem) {
    if (!(problem instanceof Refused) || problem.status === 401) throw problem;
    warn(`Not settled: ${problem.message}.`);
  }
  await showNext(encounter);
}
