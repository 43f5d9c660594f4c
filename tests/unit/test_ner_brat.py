"""brat files: written as they were read, and what is wrong named by file and line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.errors import InputError
from thce.ner.brat import entity_line, read_file, read_folder, write_file
from thce.ner.documents import Entity

TEXT = "Pain in the left and right knee.\nNo fever."


def write(folder: Path, annotations: str | bytes, text: str = TEXT, name: str = "one") -> Path:
    path = folder / f"{name}.ann"
    path.write_bytes(annotations if isinstance(annotations, bytes) else annotations.encode())
    path.with_suffix(".txt").write_bytes(text.encode())
    return path


def test_all_lines_come_back_byte_for_byte(tmp_path: Path) -> None:
    content = (
        "T1\tSign_symptom 0 4\tPain\n"
        "T2\tBiological_structure 12 16;27 31\tleft knee\n"
        "T3\tBiological_structure 21 31\tright knee\n"
        "E1\tSign_symptom:T1 \n"
        "R1\tMODIFY Arg1:T2 Arg2:E1\t\n"
        "A1\tNegation E1\n"
        "*\tOVERLAP T2 T3\n"
        "#1\tAnnotatorNotes T1\tsure?\n"
        "\n"
        "T4\tSign_symptom 36 41\tfever"
    )
    path = write(tmp_path, content)
    brat = read_file(path)
    assert brat.annotations() == content
    assert [one.id for one in brat.document.entities] == ["T1", "T2", "T3", "T4"]
    assert brat.document.entities[1].spans == ((12, 16), (27, 31))
    assert brat.oddities == ()
    write_file(tmp_path / "out" / "one.ann", brat)
    assert (tmp_path / "out" / "one.ann").read_bytes() == content.encode()
    assert (tmp_path / "out" / "one.txt").read_bytes() == TEXT.encode()


def test_windows_line_ends_count_as_characters_and_stay(tmp_path: Path) -> None:
    path = write(tmp_path, "T1\tAge 6 8\t52\r\nE1\tAge:T1\r\n", text="Hm.\r\n 52 years")
    brat = read_file(path)
    assert brat.oddities == ()
    assert brat.annotations() == "T1\tAge 6 8\t52\r\nE1\tAge:T1\r\n"


def test_a_mention_over_a_line_break_is_not_odd(tmp_path: Path) -> None:
    path = write(tmp_path, "T1\tOther_event 27 35\tknee. No\n")
    assert read_file(path).oddities == ()


def test_a_tab_in_the_text_of_a_mention_is_kept(tmp_path: Path) -> None:
    line = "T1\tDosage 0 4\t8\tmg\n"
    brat = read_file(write(tmp_path, line, text="8\tmg daily"))
    assert brat.document.entities[0].text == "8\tmg"
    assert brat.annotations() == line


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("T1\tSign_symptom 1 5\tPain", "T1: offsets are off by 1"),
        ("T1\tSign_symptom 34 39\tfever", "T1: offsets are off by -2"),
        ("T1\tSign_symptom 36 42\tfever", "T1: its text is a part"),
        ("T1\tSign_symptom 36 41\tcough", "T1: its text is not what lies"),
    ],
)
def test_offsets_that_disagree_are_kept_and_reported(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = write(tmp_path, f"E1\tx:T1\n{line}\n")
    brat = read_file(path)
    assert brat.annotations() == f"E1\tx:T1\n{line}\n"
    assert [str(one) for one in brat.oddities] == [
        f"{path}:2: {brat.oddities[0].reason}",
    ]
    assert brat.oddities[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("T2\tAge 0 99\tx", "fragment 0 99 lies outside the text of 42 characters"),
        ("T2\tAge 4 4\t", "fragment 4 4 is empty"),
        ("T2\tAge 9 4\tx", "fragment 9 4 is empty or turned round"),
        ("T2\tAge 5 8;0 4\tx", "overlap or are out of order"),
        ("T2\tAge 0 4;2 8\tx", "overlap or are out of order"),
        ("T2 Age 0 4 Pain", "not a mention"),
        ("T2\tAge 0\tPain", "not a mention"),
        ("T2\tAge 00 4\tPain", "not a mention"),
        ("T2\tAge -1 4\tPain", "not a mention"),
        ("T\tAge 0 4\tPain", "not a mention"),
        ("T1\tAge 0 4\tPain", "T1 comes twice"),
        ("what is this", "not a line of brat's"),
        ("T2\tAgge 0 4\tPain", "type 'Agge' is unknown here"),
    ],
)
def test_what_cannot_be_used_is_named_by_line(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path, f"T1\tAge 0 4\tPain\n{line}\n")
    with pytest.raises(InputError) as error:
        read_file(path, types={"Age"})
    assert str(error.value).startswith(f"{path}:2: ")
    assert said in str(error.value)
    assert "Pain" not in str(error.value)


def test_bytes_that_are_not_utf8_are_named_by_line(tmp_path: Path) -> None:
    path = write(tmp_path, b"T1\tAge 0 4\tPain\nT2\tAge 0 4\tPa\xefn\n")
    with pytest.raises(InputError, match=r"one\.ann:2: not UTF-8"):
        read_file(path)


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_an_empty_document_is_named(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "", text=text)
    with pytest.raises(InputError, match=r"one\.txt:1: the document is empty"):
        read_file(path)


def test_a_folder_must_be_whole(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_folder(tmp_path / "absent")
    with pytest.raises(InputError, match=r"no \.ann file"):
        read_folder(tmp_path)
    (tmp_path / "two.txt").write_text("Pain.")
    write(tmp_path, "")
    with pytest.raises(InputError, match=r"two\.ann: absent"):
        read_folder(tmp_path)
    (tmp_path / "two.txt").unlink()
    (tmp_path / "three.ann").write_text("")
    with pytest.raises(InputError, match=r"three\.txt: No such file"):
        read_folder(tmp_path)


def test_the_shipped_corpus_round_trips_without_an_oddity(repository: Path) -> None:
    folder = repository / "data" / "ner"
    files = read_folder(folder)
    assert len(files) == 24
    for brat in files:
        path = folder / f"{brat.document.id}.ann"
        assert brat.annotations().encode() == path.read_bytes()
        assert brat.oddities == ()


def test_maccrobat_round_trips(evaluation_data: Path) -> None:
    folder = evaluation_data / "maccrobat2020"
    files = read_folder(folder)
    assert len(files) > 100
    for brat in files:
        path = folder / f"{brat.document.id}.ann"
        assert brat.annotations().encode() == path.read_bytes()
    assert sum(len(brat.oddities) for brat in files) == 1


SPANS = st.lists(st.integers(0, 40), min_size=2, max_size=8, unique=True).map(
    lambda ends: tuple(zip(*[iter(sorted(ends)[: len(ends) // 2 * 2])] * 2, strict=True))
)
ENTITIES = st.lists(
    st.tuples(st.sampled_from(["Age", "Sign_symptom"]), SPANS, st.text("ab\tµ", min_size=1)),
    max_size=6,
)


@given(ENTITIES)
def test_any_mentions_round_trip(
    tmp_path_factory: pytest.TempPathFactory, mentions: list[tuple[str, tuple, str]]
) -> None:
    entities = [Entity(f"T{n}", *one) for n, one in enumerate(mentions, start=1)]
    content = "".join(f"{entity_line(entity)}\n" for entity in entities)
    brat = read_file(write(tmp_path_factory.mktemp("brat"), content))
    assert brat.document.entities == tuple(entities)
    assert brat.annotations() == content
