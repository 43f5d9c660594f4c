"""Labels from what is there already: the form, the billing codes and the text, cell by cell.

Each of the 29 cells of a note is true, false or unknown, with its tier (structured over CPT over
keyword) and a confidence. A form may say false; claims never do; the text says false at low
confidence, and only in a readable procedure note.
"""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thce.errors import InputError
from thce.registry.cpt_map import CptSignal, Disjunction, cpt_signal
from thce.registry.hydrated import list_column
from thce.registry.keywords import keyword_signal
from thce.registry.labels import (
    FLAG_NAMES,
    N_FLAGS,
    TRUE,
    UNKNOWN,
    Cells,
    Tier,
    cells_from_names,
)

STRUCTURED_CONFIDENCE, CPT_CONFIDENCE = 0.95, 0.80

Matrix = NDArray[np.int8]


def hydrate_table(table: pa.Table) -> pa.Table:
    """Adds labels, tiers, confidences and each signal alone.

    Args:
        table: prepared notes: `encounter_id`, `text`, `cpt_codes`, `structured`.

    Returns:
        The table with the columns of the hydrate step (docs/architecture.md); its rows do not
        depend on each other.

    Raises:
        InputError: a form names a flag that is not in the registry, or is not true or false; the
            message names the encounter and the field.
    """
    rows = len(table)
    structured = _forms(table)
    codes = [cpt_signal(given) for given in table["cpt_codes"].to_pylist()]
    cpt = _stack([code.cells for code in codes])
    texts = [keyword_signal(text) for text in table["text"].to_pylist()]
    keyword = _stack([text.cells for text in texts])
    keyword_confidence = np.array([text.confidence for text in texts], dtype=np.float32).reshape(
        rows, N_FLAGS
    )
    label, tier, confidence = resolve(structured, cpt, keyword, keyword_confidence)
    disputed = [
        disputed_codes(code, label[row], texts[row].procedure_note)
        for row, code in enumerate(codes)
    ]
    columns = {
        "label": list_column(label, pa.int8()),
        "tier": list_column(tier, pa.int8()),
        "confidence": list_column(confidence, pa.float32()),
        "structured_signal": list_column(structured, pa.int8()),
        "cpt_signal": list_column(cpt, pa.int8()),
        "keyword_signal": list_column(keyword, pa.int8()),
        "keyword_confidence": list_column(keyword_confidence, pa.float32()),
        "disputed_codes": pa.array(disputed, pa.list_(pa.string())),
        "procedure_note": pa.array([text.procedure_note for text in texts], pa.bool_()),
    }
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def resolve(
    structured: Matrix, cpt: Matrix, keyword: Matrix, keyword_confidence: NDArray[np.float32]
) -> tuple[Matrix, Matrix, NDArray[np.float32]]:
    """The strongest tier that speaks for each cell: structured, then CPT, then keyword.

    Args:
        structured: (n, 29) cells of the forms.
        cpt: (n, 29) cells of the codes.
        keyword: (n, 29) cells of the texts.
        keyword_confidence: (n, 29), 0 where unknown.

    Returns:
        Labels, tiers (-1 where unknown) and confidences (0 where unknown), (n, 29) each.
    """
    label, confidence = keyword.copy(), keyword_confidence.copy()
    tier = np.where(keyword == UNKNOWN, Tier.NONE, Tier.KEYWORD).astype(np.int8)
    for cells, source, value in (
        (cpt, Tier.CPT, CPT_CONFIDENCE),
        (structured, Tier.STRUCTURED, STRUCTURED_CONFIDENCE),
    ):
        speaks = cells != UNKNOWN
        label[speaks], tier[speaks], confidence[speaks] = cells[speaks], source, value
    confidence[label == UNKNOWN] = 0.0
    return label, tier, confidence


def disputed_codes(codes: CptSignal, label: Cells, procedure_note: bool) -> list[str]:
    """The either-or codes of a note in which no branch was found.

    A note that cannot be read as a procedure note neither supports nor contradicts a code. Where
    a method outside the registry may be meant, the code is disputed only if every branch was
    explicitly found false, which text alone does not establish; such codes are left alone.
    """
    return [
        code
        for code, disjunction in codes.disjunctions.items()
        if procedure_note and not disjunction.other and not _supported(disjunction, label)
    ]


def _supported(disjunction: Disjunction, label: Cells) -> bool:
    return any(label[flag.position] == TRUE for flag in disjunction.flags)


def _stack(cells: list[Cells]) -> Matrix:
    return np.array(cells, dtype=np.int8).reshape(len(cells), N_FLAGS)


def _forms(table: pa.Table) -> Matrix:
    """The forms as (n, 29) cells."""
    pairs = zip(table["encounter_id"].to_pylist(), table["structured"].to_pylist(), strict=True)
    return _stack([_form(encounter_id, form) for encounter_id, form in pairs])


def _form(encounter_id: str, form: str | None) -> Cells:
    values: Mapping[str, object] = json.loads(form) if form is not None else {}
    for name, value in values.items():
        if not isinstance(value, bool):
            field = f"structured.{name}" if name in FLAG_NAMES else "structured"
            raise InputError(
                f"encounter {encounter_id}: {field}: write true or false, or leave it out"
            )
    try:
        return cells_from_names(
            [name for name, value in values.items() if value],
            [name for name, value in values.items() if not value],
        )
    except InputError as error:
        raise InputError(f"encounter {encounter_id}: structured: {error}") from None
