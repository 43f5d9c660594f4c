"""The trap of the 400 documents: two annotations of one text, dealt as two documents."""

from pathlib import Path
from typing import Any

import pytest
from small_ner import small_base, train_small

from thce.errors import Finding
from thce.ner.brat import BratFile, read_folder, write_file
from thce.ner.check import CheckConfig
from thce.ner.check import run as check
from thce.ner.documents import Document
from thce.ner.evaluate import EvaluateConfig
from thce.ner.evaluate import run as evaluate
from thce.ner.export import ExportConfig
from thce.ner.export import run as export
from thce.ner.splits import SplitConfig


@pytest.fixture(scope="module")
def doctored(module_folder: Path, repository: Path) -> str:
    """Every shipped document as a second annotator has it: a seventh of the mentions is absent."""
    folder = module_folder / "doctored"
    for brat in read_folder(repository / "data" / "ner"):
        first = brat.document
        kept = tuple(one for place, one in enumerate(first.entities) if place % 7)
        second = Document(f"{first.id}-2018", first.text, kept)
        write_file(folder / f"{first.id}.ann", brat)
        write_file(folder / f"{second.id}.ann", BratFile(second, (*range(len(kept)), "")))
    return str(folder)


def test_the_leak_check_refuses_it(doctored: str) -> None:
    with pytest.raises(Finding, match="near-duplicate"):
        check(CheckConfig(input=doctored, split=SplitConfig(together="nothing", test=0.25)))


def test_the_leak_doubles_the_score(doctored: str, module_folder: Path) -> None:
    base = small_base(module_folder / "base")

    def score(name: str, **split: Any) -> float:
        trained = train_small(
            module_folder / name,
            base,
            input=[doctored],
            epochs=30,
            checkpoint_every=0,
            split={"test": 0.25, "seed": 3, **split},
        )
        bundle = export(ExportConfig(model=str(trained), output=f"{trained}-bundle"))["path"]
        found = evaluate(EvaluateConfig(model=bundle, input=doctored, split="test"))
        return float(found["strict"]["micro_f1"]["estimate"])

    honest = score("honest")
    inflated = score("inflated", together="nothing", leaks="accept")
    assert inflated > 2 * honest > 0
