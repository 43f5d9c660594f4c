"""Rows of the coder's contracts: narratives to code, what was coded, and what is right.

Gold rows carry `codes` (a list of type and code) or `code_type` and `code`. Predictions carry
`codes` ranked, each with type, code, description, score and accepted, and `reasoning`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from thce.codes.code_types import CodeType, code_type, normalise
from thce.errors import InputError
from thce.files import read_jsonl

TEXT_FIELDS = ("note_text", "text", "note", "narrative")
ID_FIELDS = ("encounter_id", "id")

TypedCode = tuple[CodeType, str]


@dataclass(frozen=True)
class Narrative:
    """A text to code.

    Attributes:
        id: as given, or the line's number.
        text: clinical text.
        code_type: the catalogue asked, or None where the row does not say.
        gold: the right codes; None where the row has none.
    """

    id: str
    text: str
    code_type: CodeType | None
    gold: tuple[TypedCode, ...] | None


@dataclass(frozen=True)
class RankedCode:
    """One code of an answer.

    Attributes:
        type: its catalogue.
        code: billable.
        description: from the catalogue.
        score: calibrated probability of being right.
        accepted: whether it is part of the answer or only ranked.
    """

    type: CodeType
    code: str
    description: str
    score: float
    accepted: bool


@dataclass(frozen=True)
class Objection:
    """Another candidate than the answer's first code, to which a language model reasoned.

    Attributes:
        code: the candidate.
        reasoning: lines that led to it.
    """

    code: str
    reasoning: str


@dataclass(frozen=True)
class Coded:
    """An answer.

    Attributes:
        id: of the narrative.
        codes: ranked, the best first.
        reasoning: steps, or empty.
        seconds: how long it took, of a batch its share; or None.
        reasoning_by: `model` where a language model wrote the reasoning and chose the first code
            after it, `tree` where it is read off narrative and code tree, None where there is none.
        objection: what a language model made of it that chose otherwise.
    """

    id: str
    codes: tuple[RankedCode, ...]
    reasoning: tuple[str, ...] = ()
    seconds: float | None = None
    reasoning_by: str | None = None
    objection: Objection | None = None

    @property
    def accepted(self) -> tuple[RankedCode, ...]:
        """The codes that are the answer; empty where it abstained."""
        return tuple(code for code in self.codes if code.accepted)

    def to_dict(self) -> dict[str, Any]:
        """As the contract writes it."""
        row = asdict(self)
        for code in row["codes"]:
            code["type"], code["score"] = str(code["type"]), round(code["score"], 4)
        row["reasoning"] = "\n".join(self.reasoning)
        return row


def read_narratives(path: str, asked: CodeType | None = None) -> list[Narrative]:
    """Reads JSONL rows with a text, and with gold codes where there are some.

    Args:
        path: the file.
        asked: code type of rows that do not name one.

    Raises:
        InputError: a row has no text, a code type is unknown, or an id comes twice.
    """
    found = [
        _narrative(row, f"{path}:{number}", str(number), asked)
        for number, row in enumerate(read_jsonl(path), start=1)
    ]
    if not found:
        raise InputError(f"{path}: holds no row; give one JSON object a line")
    _require_distinct(path, [one.id for one in found])
    return found


def read_coded(path: str) -> list[Coded]:
    """Reads predictions.

    Raises:
        InputError: a row is not a prediction, or an id comes twice.
    """
    found = []
    for number, row in enumerate(read_jsonl(path), start=1):
        where = f"{path}:{number}"
        if not isinstance(row.get("codes"), list):
            raise InputError(f"{where}: field 'codes' is missing or no list; give a prediction")
        codes = tuple(_ranked(code, where) for code in row["codes"])
        reasoning = tuple(filter(None, str(row.get("reasoning") or "").split("\n")))
        seconds = row.get("seconds")
        found.append(
            Coded(_id(row) or str(number), codes, reasoning, float(seconds) if seconds else None)
        )
    _require_distinct(path, [one.id for one in found])
    return found


def match_rows(
    narratives: Sequence[Narrative], coded: Iterable[Coded], path: str
) -> list[tuple[Narrative, Coded]]:
    """Every narrative with its answer.

    Raises:
        InputError: a narrative has no gold codes or no answer.
    """
    by_id: Mapping[str, Coded] = {one.id: one for one in coded}
    pairs = []
    for one in narratives:
        if one.gold is None:
            raise InputError(f"row {one.id[:40]}: has no codes to compare with; give codes or code")
        if one.id not in by_id:
            raise InputError(f"{path}: has no answer for id {one.id[:40]}")
        pairs.append((one, by_id[one.id]))
    return pairs


def _narrative(
    row: Mapping[str, Any], where: str, number: str, asked: CodeType | None
) -> Narrative:
    text = next((row[name] for name in TEXT_FIELDS if isinstance(row.get(name), str)), "")
    if not text.strip():
        raise InputError(f"{where}: no text; give one of {', '.join(TEXT_FIELDS)}")
    kind = _type(row["code_type"], where) if row.get("code_type") else asked
    return Narrative(_id(row) or number, text, kind, _gold(row, where))


def _gold(row: Mapping[str, Any], where: str) -> tuple[TypedCode, ...] | None:
    given = row.get("codes")
    if given is None:
        if not row.get("code"):
            return None
        if not row.get("code_type"):
            raise InputError(f"{where}: field 'code_type' is missing beside 'code'")
        given = [{"type": row["code_type"], "code": row["code"]}]
    if not isinstance(given, list):
        raise InputError(f"{where}: field 'codes' is no list")
    found = []
    for one in given:
        if not (isinstance(one, dict) and one.get("type") and one.get("code")):
            raise InputError(f"{where}: field 'codes': each one needs type and code")
        kind = _type(one["type"], where)
        found.append((kind, normalise(str(one["code"]), kind)))
    return tuple(dict.fromkeys(found))


def _ranked(value: Any, where: str) -> RankedCode:
    try:
        return RankedCode(
            _type(value["type"], where),
            str(value["code"]),
            str(value.get("description", "")),
            float(value.get("score", 0.0)),
            bool(value["accepted"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{where}: field 'codes': each one needs type, code, score and accepted"
        ) from None


def _type(name: Any, where: str) -> CodeType:
    try:
        return code_type(str(name))
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix('--type: ')}") from None


def _id(row: Mapping[str, Any]) -> str:
    return next((str(row[name]) for name in ID_FIELDS if row.get(name) not in (None, "")), "")


def _require_distinct(path: str, ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise InputError(f"{path}: id {one[:40]} comes twice; give every row its own")
        seen.add(one)
