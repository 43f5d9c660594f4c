"""Hydration: tiers over tiers, false only where it may be said, either-or codes, bad forms."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thce.errors import InputError
from thce.files import write_jsonl
from thce.registry.hydrate import hydrate_table
from thce.registry.hydrate_ray import HydrateConfig, run
from thce.registry.hydrated import matrix
from thce.registry.labels import FALSE, TRUE, UNKNOWN, Flag, Tier, names_from_cells
from thce.registry.signals import deterministic_signal

NOTE = (
    "PROCEDURE NOTE. Flexible bronchoscopy was performed under moderate sedation after informed "
    "consent. The bronchoscope was passed through the oral route and all segments were "
    "inspected. {} The patient tolerated the procedure well and was transferred to recovery in "
    "stable condition. Estimated blood loss was minimal."
)


def _hydrated(
    text: str, codes: tuple[str, ...] = (), form: dict[str, Any] | None = None
) -> pa.Table:
    return hydrate_table(
        pa.table(
            {
                "encounter_id": ["e1"],
                "text": [text],
                "cpt_codes": pa.array([list(codes)], pa.list_(pa.string())),
                "structured": pa.array(
                    [json.dumps(form) if form is not None else None], pa.string()
                ),
            }
        )
    )


def _cell(table: pa.Table, flag: Flag) -> tuple[int, int, float]:
    return (
        int(matrix(table, "label")[0, flag.position]),
        int(matrix(table, "tier")[0, flag.position]),
        round(float(matrix(table, "confidence")[0, flag.position]), 2),
    )


def test_a_form_overrules_codes_and_text_and_may_say_false() -> None:
    text = NOTE.format("Bronchoalveolar lavage was performed in the right middle lobe.")
    table = _hydrated(text, ("31624",), {Flag.BAL.value: False, Flag.BRUSHINGS.value: True})
    assert _cell(table, Flag.BAL) == (FALSE, Tier.STRUCTURED, 0.95)
    assert _cell(table, Flag.BRUSHINGS) == (TRUE, Tier.STRUCTURED, 0.95)


def test_a_code_overrules_the_text_and_never_says_false() -> None:
    table = _hydrated(NOTE.format(""), ("31624",))
    assert _cell(table, Flag.BAL) == (TRUE, Tier.CPT, 0.80)
    label, tier, confidence = _cell(table, Flag.CHEST_TUBE)
    assert (label, tier) == (FALSE, Tier.KEYWORD)
    assert confidence == 0.30


def test_text_is_true_at_most_at_sixty_and_false_by_denial_at_fifty() -> None:
    table = _hydrated(NOTE.format("BAL was performed in the lingula. No brushings were obtained."))
    label, tier, confidence = _cell(table, Flag.BAL)
    assert (label, tier) == (TRUE, Tier.KEYWORD)
    assert 0.3 < confidence <= 0.60
    assert _cell(table, Flag.BRUSHINGS) == (FALSE, Tier.KEYWORD, 0.50)


@pytest.mark.parametrize("text", ["", "Seen in clinic.", "word " * 39])
def test_a_note_that_says_too_little_leaves_cells_unknown(text: str) -> None:
    table = _hydrated(text, ("32551",))
    assert _cell(table, Flag.BAL) == (UNKNOWN, Tier.NONE, 0.0)
    assert _cell(table, Flag.CHEST_TUBE) == (TRUE, Tier.CPT, 0.80)
    assert table["procedure_note"].to_pylist() == [False]


def test_an_either_or_code_is_disputed_where_the_note_supports_no_branch() -> None:
    assert _hydrated(NOTE.format(""), ("31628",))["disputed_codes"].to_pylist() == [["31628"]]
    supported = NOTE.format("Transbronchial biopsies were obtained from the right lower lobe.")
    assert _hydrated(supported, ("31628",))["disputed_codes"].to_pylist() == [[]]
    assert _hydrated("Seen in clinic.", ("31628",))["disputed_codes"].to_pylist() == [[]]
    assert _hydrated(NOTE.format(""), ("31641",))["disputed_codes"].to_pylist() == [[]]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"bals": True}, "did you mean 'bal'"),
        ({Flag.BAL.value: "yes"}, r"structured\.bal: write true or false"),
        ({Flag.BAL.value: 1}, r"structured\.bal: write true or false"),
    ],
)
def test_a_bad_form_names_the_encounter_and_the_field(form: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"encounter e1: .*{said}"):
        _hydrated(NOTE.format(""), form=form)


def test_rows_do_not_depend_on_their_neighbours(registry_data: Path) -> None:
    lines = (registry_data / "registry_notes_a.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:12]]
    table = pa.table(
        {
            "encounter_id": [row["id"] for row in rows],
            "text": [row["text"] for row in rows],
            "cpt_codes": pa.array(
                [row.get("cpt_codes", []) for row in rows], pa.list_(pa.string())
            ),
            "structured": pa.array(
                [json.dumps(row["structured"]) if "structured" in row else None for row in rows],
                pa.string(),
            ),
        }
    )
    whole = hydrate_table(table)
    backwards = hydrate_table(table.take(pa.array(range(len(rows) - 1, -1, -1))))
    assert whole.take(pa.array(range(len(rows) - 1, -1, -1))).equals(backwards)


def test_the_deterministic_side_speaks_by_form_then_billing_then_text() -> None:
    cells = {name: np.full((4, 29), UNKNOWN, np.int8) for name in ("form", "cpt", "text")}
    bal, wash, biopsy = (
        flag.position for flag in (Flag.BAL, Flag.BRONCHIAL_WASH, Flag.TRANSBRONCHIAL_BIOPSY)
    )
    cells["text"][:, [bal, wash, biopsy]] = TRUE
    cells["cpt"][1, bal] = TRUE
    cells["form"][2, bal] = FALSE
    codes: list[list[str]] = [["31622"], ["31624", "31628"], ["31624"], []]
    found = deterministic_signal(cells["form"], cells["cpt"], cells["text"], codes)
    assert found[:, bal].tolist() == [FALSE, TRUE, FALSE, TRUE]
    assert found[:, wash].tolist() == [TRUE] * 4  # no code of its own: the text speaks
    assert found[1, biopsy] == TRUE  # left open by 31628: the text speaks
    assert found[3, Flag.IPC.position] == UNKNOWN


def test_the_step_writes_the_same_bytes_for_one_file_and_for_shards(
    ray_session: None, registry_data: Path, tmp_path: Path
) -> None:
    lines = (registry_data / "registry_notes_b.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:30]]
    write_jsonl(tmp_path / "whole.jsonl", rows)
    for number, start in enumerate(range(0, 30, 7)):
        write_jsonl(tmp_path / "shards" / f"{number}.jsonl", rows[start : start + 7])
    outputs = []
    for name in ("whole.jsonl", "shards"):
        output = tmp_path / f"out-{name}"
        report = run(HydrateConfig(input=str(tmp_path / name), output=str(output)))
        assert report["rows"] == 30
        outputs.append((output / "part-00000.parquet").read_bytes())
    assert outputs[0] == outputs[1]
    table = pq.read_table(tmp_path / "out-shards" / "part-00000.parquet")
    assert table["encounter_id"].to_pylist() == [row["id"] for row in rows]
    assert "note_text" not in table.column_names
    assert names_from_cells(matrix(table, "cpt_signal")[0]) == [Flag.THORACENTESIS]


def test_a_bad_form_stops_the_step_with_one_clear_line(ray_session: None, tmp_path: Path) -> None:
    row = {"id": "x1", "text": NOTE.format(""), "structured": {"bals": True}}
    write_jsonl(tmp_path / "notes.jsonl", [row])
    config = HydrateConfig(input=str(tmp_path / "notes.jsonl"), output=str(tmp_path / "out"))
    with pytest.raises(InputError, match=r"encounter x1: structured: an item .* mean 'bal'"):
        run(config)
    assert not (tmp_path / "out").exists()
