"""Figures of the coder: each against a case worked by hand."""

import math

import pytest

from thce.coder.coded_rows import Coded, Narrative, RankedCode
from thce.coder.compare import mcnemar, paired_differences
from thce.coder.metrics import (
    average_precision,
    contributions,
    error_counts,
    figures,
    macro_f1_over_codes,
)
from thce.coder.metrics_hierarchy import credit, error_kind
from thce.coder.reasoning_quality import consistent, form_quality, grounded, structure
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue

ICD10 = CodeType.ICD10
CATALOGUES = {ICD10: load_catalogue("ICD10")}


def _coded(
    name: str, codes: list[str], accepted: int = 1, reasoning: tuple[str, ...] = ()
) -> Coded:
    ranked = tuple(
        RankedCode(ICD10, code, "", 1 / (place + 1), place < accepted)
        for place, code in enumerate(codes)
    )
    return Coded(name, ranked, reasoning)


def _narrative(name: str, *codes: str) -> Narrative:
    return Narrative(name, "Text.", ICD10, tuple((ICD10, code) for code in codes))


def _pairs() -> list[tuple[Narrative, Coded]]:
    return [
        (_narrative("1", "I10"), _coded("1", ["I10", "E11.9"])),
        (_narrative("2", "E11.9"), _coded("2", ["E11.65", "E11.9"])),
        (_narrative("3", "I10", "E11.9"), _coded("3", ["I10", "J20.9", "E11.9"], accepted=2)),
        (_narrative("4", "J20.9"), _coded("4", ["J20.9"], accepted=0)),
    ]


def test_figures_of_four_answers() -> None:
    found = figures(contributions(_pairs(), CATALOGUES))
    assert found["top_1"].estimate == pytest.approx(3 / 4)
    assert found["top_3"].estimate == 1
    assert found["exact_match"].estimate == pytest.approx(1 / 4)
    # True: I10, I10. False: E11.65, J20.9. Missed: E11.9, E11.9, J20.9.
    assert found["micro_precision"].estimate == pytest.approx(2 / 4)
    assert found["micro_recall"].estimate == pytest.approx(2 / 5)
    assert found["micro_f1"].estimate == pytest.approx(4 / 9)
    ap = [1, 1 / 2, (1 + 2 / 3) / 2, 1]
    assert found["mean_average_precision"].estimate == pytest.approx(sum(ap) / 4)
    assert found["partial_credit"].estimate == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert found["answered"].estimate == pytest.approx(3 / 4)
    assert found["right_when_answered"].estimate == pytest.approx(2 / 3)
    assert found["valid"].estimate == 1
    assert math.isnan(found["reasoning_grounded"].estimate)
    assert found["top_1"].low < found["top_1"].estimate < found["top_1"].high


def test_macro_f1_is_over_codes_with_support() -> None:
    macro, codes = macro_f1_over_codes(_pairs())
    # I10: 2 found of 2. E11.9: none of 2. J20.9: missed once, answered wrongly once.
    assert codes == 3
    assert macro.estimate == pytest.approx(1 / 3)


def test_average_precision_counts_codes_that_are_not_ranked() -> None:
    gold = {(ICD10, "I10"), (ICD10, "E11.9")}
    assert average_precision(gold, [(ICD10, "I10")]) == pytest.approx(0.5)
    assert average_precision(gold, []) == 0


@pytest.mark.parametrize(
    ("right", "answered", "kind", "share"),
    [
        ("M17.11", "M17.11", "correct", 1),
        ("M17.11", "M17.12", "side", 0.5),
        ("S52.531A", "S52.531D", "encounter", 0.5),
        ("J20.0", "J20.9", "specificity", 0.5),
        ("J20.0", "J20.1", "sibling", 0.5),
        ("E11.65", "E11.21", "family", 0.5),
        ("E11.9", "E10.9", "block", 0.25),
        ("E11.9", "I10", "elsewhere", 0),
        ("E11.9", "E11", "invalid", 0.5),
        ("E11.9", "E11.999", "invalid", 0.5),
        ("E11.9", None, "abstained", None),
    ],
)
def test_errors_by_kind_and_credit(
    right: str, answered: str | None, kind: str, share: float | None
) -> None:
    assert error_kind(CATALOGUES[ICD10], right, answered) == kind
    if answered is not None:
        assert credit(CATALOGUES[ICD10], right, answered) == share


def test_error_counts_take_the_nearest_accepted_code() -> None:
    pairs = [(_narrative("1", "M17.11"), _coded("1", ["I10", "M17.12"], accepted=2))]
    counts = error_counts(pairs, CATALOGUES)
    assert counts["side"] == 1
    assert sum(counts.values()) == 1


def test_reasoning_that_leads_to_another_code_is_inconsistent() -> None:
    steps = ("Hypertension is named", "No cause is given", "I10 it is")
    assert consistent(steps, ICD10, "I10") == 1
    assert consistent(steps, ICD10, "E11.9") == 0
    assert consistent(["Hypertension"], ICD10, "I10") == 0.5
    assert (form_quality(steps, ICD10, "I10"), form_quality(steps, ICD10, "E11.9")) == (1, 0.5)
    assert form_quality((), ICD10, "I10") == 0


def test_invented_findings_lower_the_grounding() -> None:
    text = "Blood pressure 150 over 95 again, start lisinopril."
    catalogue = CATALOGUES[ICD10]
    assert grounded(text, ["Blood pressure is 150 over 95"], "I10", catalogue) == 1
    assert grounded(text, ["Kidney biopsy showed crescents"], "I10", catalogue) < 0.3


def test_repeated_steps_lower_the_structure() -> None:
    assert structure(["a", "b", "c"]) == 1
    assert structure(["a", "a", "a", "a"]) < 0.7


def test_mcnemar_and_differences_of_two_runs() -> None:
    import numpy as np

    gold = [_narrative(str(n), "I10") for n in range(12)]
    good = [_coded(str(n), ["I10"]) for n in range(12)]
    bad = [_coded(str(n), ["E11.9" if n < 8 else "I10"]) for n in range(12)]
    rows = np.stack(
        [contributions(list(zip(gold, run, strict=True)), CATALOGUES) for run in (good, bad)],
        axis=1,
    )
    test = mcnemar(rows, "top_1")
    assert (test.only_a, test.only_b, test.both, test.neither) == (8, 0, 4, 0)
    assert test.p_value == pytest.approx(2 * 0.5**8)
    differences = {one.metric: one for one in paired_differences(rows, ("good", "bad"))}
    assert differences["top_1"].difference.estimate == pytest.approx(8 / 12)
    assert differences["top_1"].p_adjusted < 0.05
