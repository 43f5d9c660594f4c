// The page: one note at a time, its answer on disk before the next one comes.

import * as boxes from "./boxes.js";
import { byId, el, fill, plural, say, warn } from "./dom.js";
import * as keys from "./keys.js";
import { addPassages, jump, showNote } from "./note.js";
import { settle, startReview } from "./review.js";
import * as server from "./server.js";
import { askWho } from "./sign_in.js";
import * as views from "./views.js";

const SETTLE_MS = 300; // a second Enter in a row does not answer a note that nobody has seen
const CAUGHT_UP_MS = 20000;

let flags = [];
let task = null;
let mode = "annotate";
let busy = false;
let shownAt = 0;
let held = [];

const batch = () => byId("batch").value;
const inBatch = () => (batch() ? { batch: batch() } : {});

const ACTIONS = [
  { name: "accept", text: "Accept", key: "Enter", kind: "primary", act: () => answer("accept") },
  { name: "reject", text: "Reject", key: "X", act: () => answer("reject") },
  { name: "ignore", text: "Ignore", key: "I", act: () => answer("ignore") },
  { name: "undo", text: "Undo", key: "Z", act: undo },
];

async function start() {
  const missing = await server.signedIn();
  if (missing) {
    askAgain(missing);
    return;
  }
  byId("who").textContent = server.who();
  byId("leave").hidden = false;
  enter("annotate");
  try {
    flags = await server.get("flags");
  } catch (problem) {
    if (!(problem instanceof server.Refused) || problem.status !== 400) throw problem;
    askAgain("name", problem.message);
    return;
  }
  boxes.learn(flags, changed);
  await listBatches();
  for (const { path, body } of server.waiting()) await deliver(path, body).catch(refused);
  await showNext();
}

const askAgain = (missing, problem = "") => askWho(missing, problem, () => run(start()));

async function listBatches() {
  const found = await server.get("batches");
  held = found.filter((one) => one.held_until * 1000 > Date.now());
  const kept = batch() || localStorage.getItem("thce.batch") || "";
  fill(
    byId("batch"),
    el("option", { value: "" }, "All batches"),
    found.reverse().map((one) => el("option", { value: one.batch }, `${one.batch} (${one.answered} of ${one.tasks})`)),
  );
  byId("batch").value = found.some((one) => one.batch === kept) ? kept : "";
}

async function showNext() {
  const next = await server.post("next", inBatch());
  await (next.task ? showTask(next.task) : showNothing());
}

function enter(wanted) {
  mode = wanted;
  byId("show-annotate").hidden = wanted === "annotate";
  byId("show-review").hidden = wanted === "review" || !server.mayReview();
  document.querySelector(".batch").hidden = wanted === "review";
  byId("work").hidden = wanted === "review";
}

async function showTask(found) {
  task = found;
  enter("annotate");
  shownAt = performance.now();
  byId("main").hidden = false;
  byId("empty").hidden = true;
  byId("note-title").textContent = `Encounter ${task.encounter_id}`;
  fill(
    byId("note-marks"),
    task.blind ? el("span", { class: "badge", title: "Drawn by lot to measure how far the prefill pulls" }, "blind: no prefill, no hints") : null,
    task.answer ? el("span", { class: "badge" }, `your answer: ${task.answer}`) : null,
    batch() ? null : el("span", { class: "badge quiet" }, task.batch),
  );
  showNote(task.text, task.mentions);
  boxes.showBoxes(task, server.draftOf(task) ?? task.ticked);
  fill(byId("actions"), ACTIONS.map(button), task.answer ? el("button", { type: "button", onclick: () => run(showNext()) }, "Next note") : null);
  const disputed = task.boxes.filter((box) => box.disputed).length;
  say(`Encounter ${task.encounter_id}. ${task.blind ? "Blind, no prefill." : `${plural(disputed, "flag")} disputed.`} ${plural(boxes.ticked().length, "flag")} ticked.`);
  await Promise.all([showWork(), explain(task)]);
}

const button = ({ name, text, key, kind, act }) =>
  el("button", { type: "button", id: `do-${name}`, class: kind, "aria-keyshortcuts": key, onclick: () => run(act()) }, `${text} `, el("kbd", { "aria-hidden": "true" }, key));

async function explain(asked) {
  if (!asked.explained) return;
  const { passages } = await server.get(`tasks/${asked.task_id}/passages`);
  if (task === asked && mode === "annotate") {
    addPassages(passages);
    boxes.detail();
  }
}

async function showWork() {
  const work = await server.get(`work${batch() ? `?batch=${encodeURIComponent(batch())}` : ""}`);
  byId("work").hidden = mode === "review";
  byId("bar").max = Math.max(1, work.answered + work.left);
  byId("bar").value = work.answered;
  const pace = work.median_seconds === null ? "" : `, ${Math.round(work.median_seconds)} s a note`;
  byId("counts").textContent = `${work.answered} answered, ${work.left} left${pace}`;
  return work;
}

async function showNothing() {
  task = null;
  enter("annotate");
  byId("main").hidden = true;
  const work = await showWork();
  const others = work.elsewhere ? `${plural(work.elsewhere, "note")} on other annotators' screens come back if they are not answered there.` : "";
  fill(
    byId("empty"),
    el("h2", { tabindex: "-1", id: "nothing" }, work.tasks ? "All answered" : "Nothing to answer"),
    el("p", {}, work.tasks ? `You answered ${plural(work.answered, "note")}. ${work.finished} of ${plural(work.tasks, "note")} have every answer that was asked for. ${others}` : "No batch has been prepared. New ones appear here by themselves."),
    held.map((one) => el("p", {}, `Batch ${one.batch} is handed out as a file until ${new Date(one.held_until * 1000).toLocaleString()}; importing its answers frees the rest.`)),
    el("p", {}, work.answered ? el("button", { type: "button", onclick: () => run(undo()) }, "Undo the last answer ", el("kbd", {}, "Z")) : null),
  );
  byId("empty").hidden = false;
  byId("nothing").focus();
  say(byId("empty").textContent);
  setTimeout(() => {
    if (task === null && mode === "annotate" && !busy && !views.isOpen()) run(lookAgain());
  }, CAUGHT_UP_MS);
}

async function lookAgain() {
  await listBatches();
  await showNext();
}

function changed(flag, on) {
  server.keepDraft(task, boxes.ticked());
  say(`${boxes.titleOf(flag)} ${on ? "ticked" : "not ticked"}`);
}

const deliver = (path, body) => server.deliver(path, body, (isWaiting) => {
  if (isWaiting) warn("Not saved yet: the server does not answer. Trying again; you may close the page, nothing is lost.");
  else if (byId("alert").textContent.startsWith("Not saved yet")) warn(null);
});

function refused(problem) {
  if (!(problem instanceof server.Refused) || problem.status === 401) throw problem;
  if (problem.status === 409) warn(`Not saved: ${problem.message}; that answer stands. History opens it.`);
  else warn(`Not saved: ${problem.message}.`);
}

async function answer(verdict) {
  if (busy || !task || mode !== "annotate" || performance.now() - shownAt < SETTLE_MS) return;
  const { task_id, version } = task;
  await whileBusy(async () => {
    let saved = true;
    await deliver("answers", { task_id, version, answer: verdict, accept: boxes.ticked() }).catch((problem) => {
      refused(problem);
      saved = false;
    });
    server.dropDraft();
    if (saved) warn(null);
    await showNext();
  });
}

async function undo() {
  if (busy || mode !== "annotate") return;
  await whileBusy(async () => {
    const wanted = task?.answer ? task.task_id : (await server.get("history?limit=1"))[0]?.task_id;
    if (!wanted) {
      say("Nothing to undo");
      return;
    }
    const { task_id, version } = await server.get(`tasks/${wanted}`);
    await deliver("undo", { task_id, version }).catch(refused);
    await showTask(await server.get(`tasks/${wanted}`));
  });
}

async function openPast(taskId) {
  await showTask(await server.get(`tasks/${taskId}`));
}

async function whileBusy(work) {
  busy = true;
  for (const one of byId("actions").querySelectorAll("button")) one.disabled = true;
  try {
    await work();
  } finally {
    busy = false;
    for (const one of byId("actions").querySelectorAll("button")) one.disabled = false;
  }
}

async function review() {
  enter("review");
  byId("main").hidden = false;
  byId("empty").hidden = true;
  await startReview(
    (isWaiting) => warn(isWaiting ? "Not saved yet: the server does not answer. Trying again." : null),
    () => {
      byId("main").hidden = true;
      fill(byId("empty"), el("h2", { tabindex: "-1", id: "nothing" }, "Nothing is disputed"), el("p", {}, "Notes on which annotators disagree come here."));
      byId("empty").hidden = false;
      byId("nothing").focus();
    },
  );
}

/** Runs an action of the user; what goes wrong is said, and signing in is asked for again. */
function run(action) {
  Promise.resolve(action).catch((problem) => {
    if (problem instanceof server.Refused && problem.status === 401) askAgain("token", "Your session has ended.");
    else if (problem instanceof server.Refused) warn(`${problem.message}.`);
    else if (problem instanceof server.Unreachable) {
      warn("The server does not answer. Trying again.");
      setTimeout(() => run(start()), 3000);
    } else throw problem;
  });
}

/** What a key means now; null where nothing. */
function meaning(key, onButton) {
  if (mode === "review") return key === "Enter" && !onButton ? () => run(settle()) : null;
  if (key === "z") return () => run(undo());
  if (key === "?") return help;
  if (!task) return null;
  if (key === "Enter") return onButton ? null : () => run(answer("accept"));
  return NOTE_KEYS[key] ?? (flags.some((one) => one.key === key) ? () => boxes.toggleByKey(key) : null);
}

const NOTE_KEYS = {
  ArrowDown: () => boxes.step(1),
  ArrowUp: () => boxes.step(-1),
  j: () => boxes.step(1),
  k: () => boxes.step(-1),
  x: () => run(answer("reject")),
  i: () => run(answer("ignore")),
  e: () => boxes.activeFlag() && jump(boxes.titleOf(boxes.activeFlag())),
  d: () => say(boxes.toggleDetail()),
};

const help = () => views.showHelp(flags, keys.areOn(), keys.turn);

keys.listen(meaning);
byId("boxes").addEventListener("submit", (event) => event.preventDefault());
byId("note").addEventListener("click", (event) => {
  const mark = event.target.closest("mark");
  if (mark && mode === "annotate") boxes.focusFlag(mark.dataset.flag);
});
byId("batch").addEventListener("change", () => {
  localStorage.setItem("thce.batch", batch());
  run(showNext());
});
byId("show-history").addEventListener("click", () => run(views.showHistory(batch(), (id) => run(openPast(id)))));
byId("show-progress").addEventListener("click", () => run(views.showProgress()));
byId("show-review").addEventListener("click", () => run(review()));
byId("show-annotate").addEventListener("click", () => run(showNext()));
byId("show-help").addEventListener("click", help);
// Back to the flags and not to the button that opened it: the next key is meant for the note.
byId("view").addEventListener("close", () => {
  if (mode === "annotate" && task) boxes.focusFlag(boxes.activeFlag() ?? task.boxes[0].flag);
});
byId("leave").addEventListener("click", () => run(server.signOut().then(() => location.reload())));
run(start());
