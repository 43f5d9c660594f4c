"""Hugging Face datasets by name, streamed where a hub answers."""

from collections.abc import Iterator

from thce.coder.coded_notes import CodedNote, Refused
from thce.codes.code_types import CodeType
from thce.errors import InputError

NO_TEXT = "row without text"


def read_hub(
    name: str, split: str, text_field: str, code_field: str, code_type: CodeType, refused: Refused
) -> Iterator[CodedNote]:
    """The rows of a dataset, as they stream in.

    Args:
        name: of the dataset, `owner/name`, or a local folder that `datasets` can load.
        split: train, test...
        text_field: column of the text.
        code_field: column of a code, or of a list of codes, the most important first.
        code_type: of the codes.
        refused: counts what is not taken.

    Raises:
        InputError: the package `datasets` is not installed, no hub answers, or a column is missing.
    """
    try:
        from datasets import load_dataset
        from datasets.exceptions import DatasetsError
    except ImportError:
        raise InputError("layout hub: install the package `datasets` first") from None
    try:
        rows = iter(load_dataset(name, split=split, streaming=True))
        for number, row in enumerate(rows):
            for field in (text_field, code_field):
                if field not in row:
                    raise InputError(f"{name}: column {field} is missing")
            if not str(row[text_field] or "").strip():
                refused.reasons[NO_TEXT] += 1
                continue
            codes = row[code_field]
            told = [codes] if isinstance(codes, str) else list(codes or ())
            yield CodedNote(
                f"{name}:{split}:{number}", row[text_field], code_type, tuple(map(str, told))
            )
    except (DatasetsError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise InputError(f"{name}: cannot be read from the hub: {reason}") from None
