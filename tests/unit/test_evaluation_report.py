"""The HTML reports: whole in one file, the same every time, and saying what they must."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from thce.evaluation.anchoring import Anchoring, measure_pull
from thce.evaluation.calibration import measure_labels
from thce.evaluation.comparison import compare
from thce.evaluation.multilabel import outcomes
from thce.evaluation.report import loop_report, registry_evaluation_report
from thce.evaluation.results import BundleVersion, Provenance, RoundResult
from thce.evaluation.systems import evaluate_systems
from thce.registry.labels import FLAG_NAMES, FLAGS, Flag

TITLES = {flag.value: flag.detail.title for flag in FLAGS}
PROVENANCE = Provenance(
    gold="the shipped gold labels",
    corpus="fictional notes shipped with the project",
    fictional=True,
    reviewed_by_clinician=False,
    annotator="oracle (the shipped gold labels)",
    seeds={"split": 42, "training": 7},
)
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """What a browser would see: balanced tags, ids, references, text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.headings: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.references += [
            values[name] for name in ("src", "href", "xlink:href") if name in values
        ]
        self.references += re.findall(r"url\((.*?)\)", " ".join(values.values()))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)
        if self.rows and {"th", "td"} & set(self.open[-2:]) and data.strip():
            self.rows[-1].append(data.strip())


def read(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    outline.close()
    assert outline.open == []
    return outline


@pytest.fixture(scope="module")
def label() -> np.ndarray:
    rng = np.random.default_rng(0)
    label = (rng.random((40, len(FLAGS))) < rng.uniform(0.05, 0.4, len(FLAGS))).astype(np.int8)
    label[:, Flag.BRONCHIAL_THERMOPLASTY.position] = 0
    label[::11, ::4] = -1
    return label


@pytest.fixture(scope="module")
def rounds(label: np.ndarray) -> list[RoundResult]:
    rng = np.random.default_rng(1)
    luck = rng.random(label.shape)
    rules = np.where(label == 1, rng.random(label.shape) < 0.7, rng.random(label.shape) < 0.05)
    found: list[RoundResult] = []
    previous = None
    for number, (recall, disagreeing) in enumerate([(0.4, 60), (0.7, 41), (0.8, 20)]):
        model = np.where(label == 1, luck < recall, luck < 0.03)
        predictions = {"model": model, "rules": rules, "union": model | rules}
        if previous is not None:
            predictions["previous"] = previous
        found.append(
            RoundResult(
                number=number,
                labels_spent=30 * number,
                training_notes=80 + 30 * number,
                evaluation=evaluate_systems(label, predictions, FLAG_NAMES, resamples=300),
                disagreeing=disagreeing,
                compared=120 - 30 * number,
                bundle=BundleVersion(f"v{number}", f"{number}fedcba9876543210"),
            )
        )
        previous = model
    return found


@pytest.fixture(scope="module")
def loop_page(rounds: list[RoundResult], label: np.ndarray) -> str:
    rng = np.random.default_rng(2)
    last, first = (outcomes(label, rng.random(label.shape) < rate) for rate in (0.3, 0.1))
    overall = compare({"model": last, "first": first}, [("model", "first")], resamples=200)
    return loop_report(rounds, "macro F1 stood still", PROVENANCE, titles=TITLES, overall=overall)


def test_pages_need_nothing_from_outside(loop_page: str, rounds, label: np.ndarray) -> None:
    evaluation = rounds[-1].evaluation
    scores = np.random.default_rng(3).random(label.shape)
    page = registry_evaluation_report(
        evaluation,
        PROVENANCE,
        rounds[-1].bundle,
        titles=TITLES,
        calibration=measure_labels(scores, label, FLAG_NAMES),
    )
    for html in (loop_page, page):
        outline = read(html)
        assert all(reference.startswith("#") for reference in outline.references)
        assert len(outline.ids) == len(set(outline.ids))
        assert {reference[1:] for reference in outline.references} <= set(outline.ids)
        assert "<script" not in html
        assert "@import" not in html


def test_same_results_give_the_same_bytes(loop_page: str, rounds, label) -> None:
    again = [loop_report(rounds, "of its limit", PROVENANCE, titles=TITLES) for _ in range(2)]
    assert again[0] == again[1]
    assert not re.search(r"20\d\d-\d\d-\d\d", loop_page)


def test_loop_report_shows_every_round_and_where_it_came_from(loop_page: str, rounds) -> None:
    outline = read(loop_page)
    table = [row for row in outline.rows if len(row) >= 10 and row[0] in "012"]
    assert [(row[0], row[1]) for row in table] == [("0", "0"), ("1", "30"), ("2", "60")]
    for row, one in zip(table, rounds, strict=True):
        assert f"{one.evaluation.main.score.micro_f1:.3f}" in row
        assert f"{one.evaluation.main.macro_f1.low:.3f}" in " ".join(row)
        assert f"{one.disagreeing} of {one.compared}" in row
        assert one.bundle.fingerprint in loop_page
    for said in (
        "From round 0 to round 2 the annotator answered 60 notes.",
        "The loop stopped because macro F1 stood still.",
        "oracle (the shipped gold labels)",
        "The notes are fictional and no clinician reviewed the labels",
        "split 42, training 7",
        "Round 2 against round 1",
        "Without a positive, and so not in macro F1: Bronchial Thermoplasty.",
    ):
        assert said in loop_page


def test_every_label_stands_in_the_table_with_its_counts(loop_page: str, rounds) -> None:
    rows = {row[0]: row for row in read(loop_page).rows if row}
    for one in rounds[-1].evaluation.main.score.labels:
        counts = [str(count) for count in (one.tp, one.fp, one.fn, one.tn)]
        assert rows[TITLES[one.name]][1] == str(one.support)
        assert rows[TITLES[one.name]][-4:] == counts


def test_the_pull_of_the_prefill_is_told_where_it_was_measured(loop_page: str, rounds) -> None:
    block = np.zeros((40, 2, 2, 2), int)
    block[:20, :, 0, 1] = 1
    block[:18, :, 0, 0] = 1
    block[20:, :, 1, 1] = 1
    block[20:26, 0, 1, 0] = block[20:24, 1, 1, 0] = 1
    pull = measure_pull([block], ("bal", "ipc"))
    found = Anchoring(20, 20, ("anna",), ticked=pull, unticked=measure_pull([block * 0], ()))
    page = loop_report(rounds, "of its limit", PROVENANCE, titles=TITLES, anchoring=found)
    rows = {row[0]: row for row in read(page).rows if len(row) == 5 and "of 20" in row[1]}
    assert rows["BAL"][1:4] == ["18 of 20", "6 of 20", "+0.600"]
    assert "evidence that people leave ticks standing" in page
    assert "no evidence of a pull, which is not evidence of none" in page
    assert "leaves unticked the pull is not estimable: in no batch" in page
    assert "Pull of the prefill" not in loop_page


def test_loop_of_one_round_and_an_empty_pool_still_reports(rounds) -> None:
    alone = replace(rounds[0], disagreeing=0, compared=0)
    page = loop_report([alone], "of its limit", PROVENANCE, titles=TITLES)
    read(page)
    assert "The annotator had answered 0 notes." in page
    assert "pool empty" in page


def test_names_from_outside_cannot_become_markup(rounds) -> None:
    hostile = replace(PROVENANCE, corpus="<script>alert(1)</script>", annotator="<b>me</b>")
    titles = TITLES | {"bal": "BAL <img src=x> & $x^2$"}
    page = loop_report(rounds, "<i>tired</i>", hostile, titles=titles)
    outline = read(page)
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>me" not in page
    assert outline.references
    assert page.count("BAL &lt;img src=x&gt; &amp; $x^2$") == 2


def test_few_positives_and_missing_errors_are_pointed_out(label: np.ndarray) -> None:
    evaluation = evaluate_systems(label, {"model": label == 1}, FLAG_NAMES, resamples=100)
    page = registry_evaluation_report(
        evaluation, PROVENANCE, BundleVersion("v1", "f00d"), titles=TITLES
    )
    assert "fewer than 10 positives" in page
    assert "No error was seen on these notes." in page
    assert "f00d" in page
