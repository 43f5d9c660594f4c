"""Splits by document: near-duplicates together, and the trap of two annotations of one text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_ner import CORPUS

from thce.errors import Finding, InputError
from thce.ner.check import CheckConfig
from thce.ner.check import run as check
from thce.ner.corpus import read_corpus
from thce.ner.documents import Document
from thce.ner.splits import SplitConfig, assign, leaks_of

DOCUMENTS = read_corpus(str(CORPUS)).documents


def annotated_twice() -> list[Document]:
    """Every document a second time: other annotations, another name, a word less in the text."""
    again = [
        replace(one, id=f"{one.id}-2018", text=one.text.rstrip(" \n.") + " .", entities=())
        for one in DOCUMENTS
    ]
    return [*DOCUMENTS, *again]


def test_shares_are_those_asked_for_and_every_document_has_one() -> None:
    dealt = assign(DOCUMENTS, SplitConfig())
    assert sorted(dealt) == sorted(one.id for one in DOCUMENTS)
    splits = list(dealt.values())
    assert [splits.count(name) for name in ("train", "val", "test")] == [20, 2, 2]


def test_the_order_of_the_files_changes_nothing() -> None:
    assert assign(DOCUMENTS, SplitConfig()) == assign(DOCUMENTS[::-1], SplitConfig())


def test_two_annotations_of_a_text_stay_together() -> None:
    documents = annotated_twice()
    dealt = assign(documents, SplitConfig())
    assert all(dealt[one.id] == dealt[f"{one.id}-2018"] for one in DOCUMENTS)
    assert leaks_of(documents, dealt) == []


def test_dealt_file_by_file_the_trap_is_found() -> None:
    documents = annotated_twice()
    dealt = assign(documents, SplitConfig(together="nothing"))
    (leak,) = leaks_of(documents, dealt)
    parted = [one.id for one in DOCUMENTS if dealt[one.id] != dealt[f"{one.id}-2018"]]
    assert leak.cases == len(parted) > 0
    assert "near-duplicate" in leak.kind


def test_folds_part_the_documents() -> None:
    tests: list[str] = []
    for fold in range(5):
        dealt = assign(DOCUMENTS, SplitConfig(folds=5, fold=fold))
        found = [name for name, split in dealt.items() if split == "test"]
        assert len(found) in (4, 5)
        assert "val" in dealt.values()
        tests += found
    assert sorted(tests) == sorted(one.id for one in DOCUMENTS)


def test_folds_keep_near_duplicates_together() -> None:
    documents = annotated_twice()
    for fold in range(3):
        dealt = assign(documents, SplitConfig(folds=3, fold=fold))
        assert leaks_of(documents, dealt) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"folds": 5, "fold": 5}, "5 of 5 folds; they are counted from 0"),
        ({"folds": 24}, "24 folds of 24 documents"),
    ],
)
def test_folds_that_cannot_be_are_refused(given: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        assign(DOCUMENTS, SplitConfig(**given))  # type: ignore[arg-type]


def test_too_few_documents_are_refused() -> None:
    with pytest.raises(InputError, match="2 documents; give at least 3"):
        assign(DOCUMENTS[:2], SplitConfig())


def write_twice(folder: Path) -> Path:
    folder.mkdir()
    for one in annotated_twice():
        (folder / f"{one.id}.txt").write_text(one.text, encoding="utf-8")
        (folder / f"{one.id}.ann").write_text("")
    return folder


def test_a_leaking_file_of_splits_fails_the_check(tmp_path: Path) -> None:
    folder = write_twice(tmp_path / "both")
    dealt = {
        one.id: "test" if one.id.endswith("-2018") else "val" if one.id == "case-01" else "train"
        for one in annotated_twice()
    }
    file = tmp_path / "splits.json"
    file.write_text(json.dumps({"assignment": dealt}))
    with pytest.raises(
        Finding, match="leak between splits: near-duplicate notes in two splits: 24"
    ):
        check(CheckConfig(input=str(folder), split=SplitConfig(file=str(file))))
    accepted = SplitConfig(file=str(file), leaks="accept")
    assert len(check(CheckConfig(input=str(folder), split=accepted))["leaks"]) == 1


def test_splits_that_were_written_are_taken_again(tmp_path: Path) -> None:
    file = tmp_path / "splits.json"
    first = check(CheckConfig(input=str(CORPUS), split=SplitConfig(seed=7), output=str(file)))
    dealt = assign(DOCUMENTS, SplitConfig(file=str(file)))
    assert dealt == assign(DOCUMENTS, SplitConfig(seed=7))
    assert first["splits"] == {"train": 20, "val": 2, "test": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "expected assignment"),
        ('{"assignment": {"case-01": "dev"}}', "expected assignment"),
        ('{"assignment": {"case-01": "train"}}', "23 documents have no split"),
    ],
)
def test_a_wrong_file_of_splits_is_named(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "splits.json"
    file.write_text(content)
    with pytest.raises(InputError, match=said):
        assign(DOCUMENTS, SplitConfig(file=str(file)))


def test_one_name_in_two_folders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "case-01.txt").write_text("Pain.")
    (tmp_path / "case-01.ann").write_text("")
    with pytest.raises(InputError, match=r"case-01\.ann: .* has a document of that name too"):
        read_corpus([str(CORPUS), str(tmp_path)])
