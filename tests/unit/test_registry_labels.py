"""The 29 flags: one order, one place."""

import ast
from pathlib import Path

import pytest

from thce.errors import InputError
from thce.registry.labels import (
    DETAILS,
    FLAG_NAMES,
    FLAGS,
    TRUE,
    UNKNOWN,
    Flag,
    cells_from_names,
    names_from_cells,
    parse_flag,
    prodigy_options,
    validate_schema,
)


def test_there_are_29_flags_each_with_title_and_definition() -> None:
    assert len(FLAG_NAMES) == len(set(FLAG_NAMES)) == 29
    assert set(DETAILS) == set(FLAGS)
    assert len({detail.title for detail in DETAILS.values()}) == 29
    assert FLAG_NAMES[0] == Flag.DIAGNOSTIC_BRONCHOSCOPY
    assert FLAG_NAMES[-1] == Flag.FIBRINOLYTIC_THERAPY


def test_prodigy_options_are_the_flags_in_order() -> None:
    options = prodigy_options()
    assert [option["id"] for option in options] == list(FLAG_NAMES)
    assert options[1]["text"] == "BAL"


def test_a_wrong_name_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match="did you mean 'chest_tube'"):
        parse_flag("chest_tubes")


def test_unnamed_cells_stay_unknown() -> None:
    cells = cells_from_names([Flag.IPC], [Flag.BAL])
    assert cells[Flag.IPC.position] == TRUE
    assert (cells == UNKNOWN).sum() == 27
    assert names_from_cells(cells) == [Flag.IPC]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (FLAG_NAMES[:-1], "missing: fibrinolytic_therapy"),
        ((*FLAG_NAMES, "bal"), "more than once: bal"),
        (FLAG_NAMES[::-1], "out of order"),
    ],
)
def test_a_wrong_schema_is_refused(columns: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        validate_schema(columns)
    validate_schema(["encounter_id", *FLAG_NAMES, "label_source"])


def test_flags_are_named_in_one_place(repository: Path) -> None:
    """No other module of the library spells a flag as a string of its own."""
    distinctive = {name for name in FLAG_NAMES if "_" in name}
    strays = [
        f"{file.relative_to(repository)}:{node.lineno} {node.value}"
        for file in sorted((repository / "thce").rglob("*.py"))
        if file.name != "labels.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in distinctive
    ]
    assert not strays
