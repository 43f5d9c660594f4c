"""Which flags of a bundle need no person: the step, its file, and what scoring makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_training import exported
from typer.testing import CliRunner

from thce.errors import Finding, InputError
from thce.evaluation.fixed_sequence import Claim
from thce.files import read_json, write_json
from thce.notes.read import read_notes
from thce.registry.abstain import Decisions, abstention
from thce.registry.abstention_file import Abstention
from thce.registry.cli import app
from thce.registry.labels import FALSE, N_FLAGS, TRUE, UNKNOWN, Flag
from thce.registry.predict import Predictor
from thce.registry.scored import SCHEMA, score_notes

CLAIM = Claim(precision=0.9, confidence=0.8)


def decided(notes: int = 60) -> Decisions:
    """BAL accepted in every note and right; IPC in a third, wrong; stents in none."""
    accept = np.zeros((notes, N_FLAGS), dtype=bool)
    accept[:, Flag.BAL.position] = True
    accept[::3, Flag.IPC.position] = True
    label = np.where(accept, TRUE, FALSE).astype(np.int8)
    label[:, Flag.IPC.position] = FALSE
    return Decisions(
        encounter_ids=[f"e{row}" for row in range(notes)],
        accept=accept,
        certainty=np.where(accept, 3.0, -3.0),
        label=label,
        groups=np.arange(notes),
    )


def test_a_flag_with_enough_stands_alone_and_the_rest_is_pooled() -> None:
    found = abstention(decided(), CLAIM, "v1", "fp32")
    assert (found.flags[Flag.BAL].basis, found.flags[Flag.BAL].cutoff) == ("own", 0.0)
    assert (found.flags[Flag.IPC].basis, found.flags[Flag.IPC].cutoff) == ("pooled", None)
    assert (found.flags[Flag.IPC].right, found.flags[Flag.IPC].decisions) == (0, 20)
    assert found.flags[Flag.AIRWAY_STENT].basis == "unseen"
    assert found.cutoffs[Flag.AIRWAY_STENT.position] == np.inf
    automatic = found.automatic(decided().accept, decided().certainty)
    assert automatic.sum() == 60
    assert automatic[:, Flag.BAL.position].all()


def test_unknown_labels_and_copies_of_notes_are_no_evidence() -> None:
    tested = decided()
    tested.label[: 60 - CLAIM.fewest + 1, Flag.BAL.position] = UNKNOWN
    assert abstention(tested, CLAIM, "v1", "fp32").flags[Flag.BAL].basis == "pooled"
    copies = Decisions(**(vars(decided()) | {"groups": np.arange(60) % 5}))
    assert abstention(copies, CLAIM, "v1", "fp32").flags[Flag.BAL].cutoff is None


def test_the_file_comes_back_as_it_was_and_only_for_its_bundle(tmp_path: Path) -> None:
    path = tmp_path / "abstention.json"
    found = abstention(decided(), CLAIM, "v1", "fp32")
    found.save(path)
    assert Abstention.load(path, "v1", "fp32") == found
    with pytest.raises(InputError, match=r"for bundle v1 \(fp32\), not for v2"):
        Abstention.load(path, "v2", "fp32")
    with pytest.raises(InputError, match=r"not for v1 \(int8\)"):
        Abstention.load(path, "v1", "int8")
    content = read_json(path)
    content["flags"].pop("bal")
    write_json(path, content)
    with pytest.raises(InputError, match="flags"):
        Abstention.load(path, "v1", "fp32")
    write_json(path, content | {"precision": 2})
    with pytest.raises(InputError, match="precision"):
        Abstention.load(path, "v1", "fp32")


def test_scoring_says_which_flags_need_no_person(registry_data: Path) -> None:
    predictor = Predictor.open(exported(registry_data).bundle)
    notes = read_notes(str(registry_data / "registry_notes_a.jsonl"), quarantine=None).slice(0, 24)
    plain = score_notes(predictor, notes)
    assert plain.schema == SCHEMA
    tested = decided()
    tested.certainty[:] = 3.0
    cutoffs = abstention(tested, CLAIM, predictor.bundle.version, predictor.weights)
    scored = score_notes(predictor, notes, abstention=cutoffs)
    assert scored.drop_columns(["auto_accept", "needs_review"]).equals(
        plain.drop_columns(["needs_review"])
    )
    rows = zip(plain.to_pylist(), scored.to_pylist(), strict=True)
    automatic = 0
    for before, after in rows:
        assert set(after["auto_accept"]) == set(after["accept"]) & {"bal"}
        left = set(after["accept"]) - set(after["auto_accept"])
        assert after["needs_review"] == (before["needs_review"] or bool(left))
        automatic += len(after["auto_accept"])
    assert automatic


def test_the_command_writes_the_file_and_finds_when_nothing_can_be_claimed(
    registry_data: Path, tmp_path: Path
) -> None:
    bundle, notes = exported(registry_data).bundle, registry_data / "registry_notes_b.jsonl"
    output = tmp_path / "abstention.json"
    given = ["abstain", "--model", bundle, "--input", str(notes), "--output", str(output), "--json"]
    run = CliRunner().invoke(app, [*given, "--precision", "0.5", "--confidence", "0.8"])
    report = json.loads(run.stdout)
    assert run.exception is None
    assert 0 < report["automatic"] <= report["accepted"]
    version = Predictor.open(bundle).bundle.version
    assert Abstention.load(output, version, report["weights"]).claim == Claim(0.5, 0.8)
    run = CliRunner().invoke(app, [*given, "--precision", "0.999", "--confidence", "0.99"])
    assert isinstance(run.exception, Finding)
    report = json.loads(run.stdout)
    assert report["automatic"] == report["notes_all_automatic"] == 0
    assert {one["cutoff"] for one in report["flags"].values()} == {None}
