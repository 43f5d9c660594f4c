// The note with its evidence: where the rules see a flag, and the passages that moved the model.

import { byId, el, fill, say } from "./dom.js";

const ASSERTIONS = {
  affirmed: "done",
  negated: "denied",
  historical: "in the past",
  planned: "planned",
  hypothetical: "hypothetical",
  family: "of the family",
  other: "named only",
};

let shown = { characters: [], mentions: [], passages: [] };
let active = null;
let place = -1;

/** Shows a note; offsets of mentions and passages count code points. */
export function showNote(text, mentions) {
  shown = { characters: Array.from(text), mentions, passages: [] };
  active = null;
  draw();
  byId("note").scrollTop = 0;
}

/** Adds the passages that moved the model. */
export function addPassages(passages) {
  shown.passages = passages;
  draw();
}

/** Brings out the evidence of one flag. */
export function activate(flag) {
  if (flag === active) return;
  active = flag;
  place = -1;
  draw();
}

/** How much evidence a flag has: mentions by the rules, passages by the model. */
export const evidenceOf = (flag) => ({
  mentions: shown.mentions.filter((one) => one.flag === flag),
  passages: shown.passages.filter((one) => one.flag === flag),
});

/** Scrolls to the next piece of evidence of the active flag and says what it is. */
export function jump(title) {
  const marks = [...byId("note").querySelectorAll("mark.active[data-first]")];
  if (marks.length === 0) {
    say(`No evidence of ${title} in this note`);
    return;
  }
  place = (place + 1) % marks.length;
  for (const mark of byId("note").querySelectorAll(".here")) mark.classList.remove("here");
  const mark = marks[place];
  mark.classList.add("here");
  mark.scrollIntoView({ block: "center" });
  say(`${title}, evidence ${place + 1} of ${marks.length}: ${mark.title}. ${mark.textContent}`);
}

/** What the marks mean, for those that are in this note. */
export function legend() {
  const kinds = new Set(shown.mentions.map(kindOf));
  const lines = [
    ["affirmed", "done, by the rules"],
    ["negated", "denied"],
    ["other", "not of now: plan, history, name only"],
  ].filter(([kind]) => kinds.has(kind));
  if (shown.passages.length) lines.push(["model", "moved the model (occlusion)"]);
  fill(byId("legend"), lines.map(([kind, text]) => el("span", { class: "key" }, el("mark", { class: `${kind} sample` }, "abc"), ` ${text}`)));
}

const kindOf = (mention) => (["affirmed", "negated"].includes(mention.assertion) ? mention.assertion : "other");

function draw() {
  const { characters, mentions, passages } = shown;
  const lit = passages.filter((one) => one.flag === active);
  const edges = new Set([0, characters.length]);
  for (const one of [...mentions, ...lit]) edges.add(one.start).add(one.end);
  const sorted = [...edges].sort((a, b) => a - b);
  const pieces = [];
  for (let index = 0; index + 1 < sorted.length; index += 1) {
    const [start, end] = [sorted[index], sorted[index + 1]];
    const text = characters.slice(start, end).join("");
    const inside = (one) => one.start <= start && one.end >= end;
    pieces.push(piece(text, start, mentions.filter(inside), lit.filter(inside)));
  }
  fill(byId("note"), pieces);
  legend();
}

function piece(text, start, mentions, passages) {
  if (mentions.length + passages.length === 0) return text;
  const own = mentions.filter((one) => one.flag === active);
  const isActive = own.length + passages.length > 0;
  const classes = [...new Set((own.length ? own : mentions).map(kindOf))];
  if (passages.length) classes.push("model");
  if (isActive) classes.push("active");
  const first = [...own, ...passages].some((one) => one.start === start);
  return el(
    "mark",
    {
      class: classes.join(" "),
      title: [...(own.length ? own : mentions).map(describe), ...passages.map((one) => `moved the model by ${one.fall.toFixed(1)}`)].join("; "),
      "data-flag": (own[0] ?? mentions[0] ?? passages[0]).flag,
      "data-first": isActive && first,
    },
    text,
  );
}

const describe = (mention) => `${mention.flag.replaceAll("_", " ")}: ${ASSERTIONS[mention.assertion] ?? mention.assertion}`;
