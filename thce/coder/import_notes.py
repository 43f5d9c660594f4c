"""The import step: the user's coded notes -> examples without identifiers, one JSONL file.

What it writes is a source of a mixture (`kind: examples`). Patterns take out identifiers: see
docs/notes.md for what they find and what they do not.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, model_validator

from thce.coder.coded_notes import CodedNote, Refused
from thce.coder.draw import stable_hash
from thce.coder.read_codiesp import read_codiesp
from thce.coder.read_hub import read_hub
from thce.coder.read_mimic import read_mimic
from thce.coder.read_mtsamples import read_mtsamples
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config
from thce.errors import InputError
from thce.files import write_jsonl
from thce.notes.prepare import prepare
from thce.paths import resolve

NOT_BILLABLE = "note without a billable code"
TOO_LONG = "note longer than the limit"


class ImportNotesConfig(Config):
    """Which notes are read, and where their examples go.

    Attributes:
        layout: mimic, mtsamples, codiesp or hub.
        input: the notes: a table, CodiEsp's folder, or a dataset's name.
        diagnoses: MIMIC's table of diagnoses.
        split, text_field, code_field: of a hub's dataset.
        code_type: of the codes; MIMIC and CodiEsp have ICD-10 codes.
        max_characters: a longer note is left out and counted.
        limit: at most so many examples; those of the first notes.
        output: the JSONL file of examples.
    """

    layout: Literal["mimic", "mtsamples", "codiesp", "hub"]
    input: str
    diagnoses: str | None = None
    split: str = "train"
    text_field: str = "text"
    code_field: str = "code"
    code_type: CodeType = CodeType.ICD10
    max_characters: int = Field(default=12_000, ge=100)
    limit: int | None = Field(default=None, ge=1)
    output: str

    @model_validator(mode="after")
    def _has_diagnoses(self) -> "ImportNotesConfig":
        if self.layout == "mimic" and not self.diagnoses:
            raise ValueError("layout mimic wants diagnoses, the table of codes")
        return self


def run(config: ImportNotesConfig) -> dict[str, Any]:
    """Reads, prepares and writes notes, one at a time.

    An example bears the first of its note's codes that is billable; it has no reasoning: the
    mixture derives that from the tree. Ids are hashes, for a layout's own may identify.

    Returns:
        Notes read, examples written, what was refused and why, identifiers replaced by kind.

    Raises:
        InputError: the layout cannot be read, or no example is left.
    """
    refused, identifiers, read = Refused(), Counter[str](), Counter[str]()

    def rows() -> Iterator[dict[str, Any]]:
        catalogues = {kind: load_catalogue(kind) for kind in CodeType}
        for note in _notes(config, refused):
            if config.limit and read["examples"] >= config.limit:
                return
            read["notes"] += 1
            catalogue = catalogues[note.code_type]
            code = next((code for code in note.codes if catalogue.is_billable(code)), None)
            if code is None:
                refused.reasons[NOT_BILLABLE] += 1
            elif len(note.text) > config.max_characters:
                refused.reasons[TOO_LONG] += 1
            else:
                prepared = prepare(note.text)
                identifiers.update(prepared.counts)
                record = catalogue.get(code)
                assert record is not None  # it is billable
                read["examples"] += 1
                yield {
                    "id": f"{config.layout}-{stable_hash(note.id):016x}",
                    "narrative": prepared.text,
                    "code_type": note.code_type.value,
                    "code": record.code,
                    "description": record.description,
                }

    output = resolve(config.output)
    write_jsonl(output, _at_least_one(rows(), config))
    return {
        "notes": read["notes"],
        "examples": read["examples"],
        "refused": dict(sorted(refused.reasons.items())),
        "identifiers": dict(sorted(identifiers.items())),
        "output": output,
    }


def _at_least_one(
    rows: Iterator[dict[str, Any]], config: ImportNotesConfig
) -> Iterator[dict[str, Any]]:
    first = next(rows, None)
    if first is None:
        raise InputError(f"{config.input}: no note has a billable code; nothing is written")
    yield first
    yield from rows


def _notes(config: ImportNotesConfig, refused: Refused) -> Iterator[CodedNote]:
    if config.layout == "mimic":
        return read_mimic(config.input, config.diagnoses or "", refused)
    if config.layout == "mtsamples":
        return read_mtsamples(config.input, config.code_type, refused)
    if config.layout == "codiesp":
        return read_codiesp(config.input)
    fields = config.split, config.text_field, config.code_field
    return read_hub(config.input, *fields, config.code_type, refused)
