"""Human labels as CSV: nothing lost on the way out, nothing invented on the way in."""

from pathlib import Path

import pytest

from thce.annotations.human_labels import table_of
from thce.annotations.labels_csv import export_labels, read_labels, write_labels
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.errors import InputError
from thce.registry.labels import FLAG_NAMES, Flag, cells_from_names

HEADER = ",".join(["encounter_id", *FLAG_NAMES])
UNKNOWN_ROW = "," * len(FLAG_NAMES)


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "human.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_fault_true_negative_notes_are_exported(tmp_path: Path) -> None:
    path = tmp_path / "out" / "human.csv"
    with AnnotationStore.open(tmp_path / "a.sqlite", create=True) as store:
        store.prepare("b1", [NewTask("e1", "note", prefill=(Flag.BAL,)), NewTask("e2", "note")])
        store.answer(task_id_of("b1", "e1"), "anna", [])
        store.answer(task_id_of("b1", "e2"), "anna", [Flag.BAL])
        written = export_labels(store, path).table
    assert path.read_text().splitlines()[1] == "e1" + ",0" * len(FLAG_NAMES)
    assert read_labels(path).equals(written)


def test_unknown_stays_empty_and_comes_back_unknown(tmp_path: Path) -> None:
    table = table_of(["e1"], [cells_from_names([Flag.BAL], [Flag.IPC])])
    path = tmp_path / "human.csv"
    write_labels(table, path)
    (row,) = read_labels(path).to_pylist()
    assert (row["bal"], row["ipc"], row["blvr"]) == (1, 0, None)


@pytest.mark.parametrize("missing", ["diagnostic_bronchoscopy", "ipc", "fibrinolytic_therapy"])
def test_fault_a_missing_label_column_is_an_error_and_never_zero(
    tmp_path: Path, missing: str
) -> None:
    names = [name for name in FLAG_NAMES if name != missing]
    path = write(tmp_path, ",".join(["encounter_id", *names]), "e1" + ",0" * len(names))
    with pytest.raises(InputError, match=f"human.csv: flag columns missing: {missing}"):
        read_labels(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "needs one column encounter_id, has 0"),
        ([HEADER.replace("encounter_id", "id")], "needs one column encounter_id, has 0"),
        ([HEADER + ",bal"], "more than once: bal"),
        ([HEADER + ",encounter_id"], "needs one column encounter_id, has 2"),
        ([HEADER, "e1" + UNKNOWN_ROW, "e1" + UNKNOWN_ROW], r"csv:3: encounter_id: as in line 2"),
        ([HEADER, UNKNOWN_ROW], r"csv:2: encounter_id: empty"),
        ([HEADER, "e1,0"], r"csv:2: 2 fields, but 30 columns"),
        ([HEADER, "e1" + ",0" * 30], r"csv:2: 31 fields, but 30 columns"),
        ([HEADER, "e1,2" + ",0" * 28], r"csv:2: diagnostic_bronchoscopy: must be 1, 0 or empty"),
        ([HEADER, "e1,,no" + ",0" * 27], r"csv:2: bal: must be 1, 0 or empty"),
        ([HEADER, "e1,,-1" + ",0" * 27], r"csv:2: bal: must be"),
        ([HEADER, 'e1,"' + ",0" * 28], r"csv:2: not valid CSV"),
    ],
)
def test_bad_files_are_refused_by_line_and_field(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_labels(write(tmp_path, *lines))


def test_a_missing_file_and_a_binary_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_labels(tmp_path / "no.csv")
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_labels(tmp_path / "bad.csv")


def test_other_columns_and_a_spreadsheets_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "human.csv"
    text = f'comment,{HEADER}\r\n"a, b",e1,1{"," * 28}\r\n\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (row,) = read_labels(path).to_pylist()
    assert (row["encounter_id"], row["diagnostic_bronchoscopy"], row["bal"]) == ("e1", 1, None)


def test_the_same_labels_give_the_same_bytes(tmp_path: Path) -> None:
    table = table_of(["e1", "e2"], [cells_from_names([Flag.BAL]), cells_from_names([], [Flag.IPC])])
    write_labels(table, tmp_path / "one.csv")
    write_labels(table, tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
