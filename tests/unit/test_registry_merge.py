import numpy as np
import pyarrow as pa
import pytest
from hydrated_rows import human_table, hydrated_table

from thce.errors import InputError
from thce.registry.hydrated import matrix
from thce.registry.labels import FALSE, FLAG_NAMES, TRUE, Flag, Tier, cells_from_names
from thce.registry.merge import merge_human


def keyword_rows(*rows):
    return np.stack([cells_from_names(*row) for row in rows])


def test_human_answer_overrules_the_lower_tiers_cell_by_cell():
    label = keyword_rows(([Flag.BAL, Flag.BRUSHINGS], [Flag.IPC]))
    human = human_table({"a": [Flag.BAL]})
    merged = merge_human(hydrated_table(["a"], label=label), human)
    row = matrix(merged.table, "label")[0]
    assert row[Flag.BAL.position] == TRUE
    assert row[Flag.BRUSHINGS.position] == FALSE
    assert (matrix(merged.table, "tier") == Tier.HUMAN).all()
    assert (matrix(merged.table, "confidence") == 1.0).all()
    assert (merged.human_notes, merged.human_cells, merged.overruled_cells) == (1, 29, 1)


def test_null_human_cell_leaves_the_lower_tier_as_it_was():
    label = keyword_rows(([Flag.BAL], [Flag.IPC]))
    before = hydrated_table(["a"], label=label)
    human = human_table({"a": []})
    position = human.column_names.index(Flag.BAL)
    human = human.set_column(position, Flag.BAL.value, pa.array([None], pa.int8()))
    merged = merge_human(before, human)
    for column in ("label", "tier", "confidence"):
        was, now = matrix(before, column)[0], matrix(merged.table, column)[0]
        assert now[Flag.BAL.position] == was[Flag.BAL.position]
    assert matrix(merged.table, "tier")[0, Flag.IPC.position] == Tier.HUMAN


def test_true_negative_note_keeps_29_human_false_cells():
    label = keyword_rows(([Flag.BAL],))
    merged = merge_human(hydrated_table(["a"], label=label), human_table({"a": []}))
    assert (matrix(merged.table, "label") == FALSE).all()
    assert (matrix(merged.table, "tier") == Tier.HUMAN).all()


def test_label_column_missing_from_the_export_is_refused_and_never_becomes_zero():
    human = human_table({"a": [Flag.BAL]}).drop_columns([Flag.IPC.value])
    with pytest.raises(InputError, match=f"missing: {Flag.IPC.value}"):
        merge_human(hydrated_table(["a"]), human)


def test_flag_columns_in_another_order_are_refused():
    human = human_table({"a": [Flag.BAL]}).select(["encounter_id", *reversed(FLAG_NAMES)])
    with pytest.raises(InputError, match="out of order"):
        merge_human(hydrated_table(["a"]), human)


def test_human_rows_without_a_note_are_counted_and_named():
    human = human_table({"z": [Flag.BAL], "a": [Flag.BAL], "y": []})
    merged = merge_human(hydrated_table(["a", "b"]), human)
    assert merged.unmatched == ("y", "z")
    assert merged.human_notes == 1


def test_notes_nobody_answered_stay_as_they_were():
    label = keyword_rows(([Flag.BAL],), ([Flag.IPC],))
    before = hydrated_table(["a", "b"], label=label)
    merged = merge_human(before, human_table({"a": []}))
    for column in ("label", "tier", "confidence"):
        assert (matrix(merged.table, column)[1] == matrix(before, column)[1]).all()


def test_encounter_answered_twice_is_refused():
    human = pa.concat_tables([human_table({"a": [Flag.BAL]}), human_table({"a": []})])
    with pytest.raises(InputError, match="answered more than once"):
        merge_human(hydrated_table(["a"]), human)


def test_a_cell_that_is_no_label_is_refused():
    human = human_table({"a": []})
    position = human.column_names.index(Flag.BAL)
    human = human.set_column(position, Flag.BAL.value, pa.array([7], pa.int8()))
    with pytest.raises(InputError, match="1, 0 or null"):
        merge_human(hydrated_table(["a"]), human)
