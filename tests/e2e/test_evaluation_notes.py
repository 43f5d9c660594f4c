"""The rules against notes that nobody wrote them for; the figures wanted of the whole system."""

import gzip
import json

from thce.evaluation.multilabel import score
from thce.notes.prepare import prepare_table
from thce.notes.read import read_notes
from thce.registry.fuse import Signals
from thce.registry.gold import gold_cells
from thce.registry.hydrate import hydrate_table
from thce.registry.labels import FLAG_NAMES, TRUE
from thce.registry.naive_regex import naive_flags


def decisions(path):
    notes = read_notes(str(path), quarantine=None)
    label = gold_cells(notes)
    hydrated = hydrate_table(prepare_table(notes)[0])
    rules = Signals.from_table(hydrated).label == TRUE
    return label, rules, naive_flags(hydrated["text"].to_pylist())


def test_rules_beat_a_naive_regex_by_far_on_the_frozen_traps(registry_data):
    label, rules, naive = decisions(registry_data / "trap_test.jsonl")
    found, rival = score(label, rules, FLAG_NAMES), score(label, naive, FLAG_NAMES)
    assert found.micro_f1 >= max(0.80, rival.micro_f1 + 0.20)
    assert found.macro_f1 >= max(0.70, rival.macro_f1 + 0.20)


def test_rules_reach_the_wanted_f1_on_real_notes(evaluation_data, tmp_path):
    labels = {
        row["encounter_id"]: row
        for row in map(json.loads, (evaluation_data / "registry_real_dev.jsonl").open())
    }
    joined = tmp_path / "labelled.jsonl"
    with gzip.open(evaluation_data / "mtsamples.jsonl.gz", "rt") as notes, joined.open("w") as out:
        for note in map(json.loads, notes):
            label = labels.get(note["encounter_id"])
            if label is not None:
                out.write(json.dumps(label | {"note_text": note["note_text"]}) + "\n")
    label, rules, _ = decisions(joined)
    assert len(label) == len(labels)
    assert score(label, rules, FLAG_NAMES).micro_f1 >= 0.85
