"""The three kinds of billing code, how each is written, and one canonical spelling of it."""

import re
from enum import StrEnum

from thce.errors import InputError


class CodeType(StrEnum):
    """Which catalogue a code belongs to."""

    ICD10 = "ICD10"
    CPT = "CPT"
    HCPCS = "HCPCS"


FORMATS = {
    CodeType.ICD10: re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?"),
    CodeType.CPT: re.compile(r"[0-9]{4}[0-9A-Z]"),
    CodeType.HCPCS: re.compile(r"[A-Z][0-9]{4}"),
}
WORDING = {
    CodeType.ICD10: "a letter, a digit, a digit or letter, then a dot and up to four more (E11.9)",
    CodeType.CPT: "four digits and a digit or letter (99213)",
    CodeType.HCPCS: "a letter and four digits (J1885)",
}
WHITE_SPACE = " \t\r\n"  # what may surround a code


def code_type(name: str) -> CodeType:
    """The code type of a name, in any case.

    Raises:
        InputError: there is no such type.
    """
    spelled = name.strip().upper().replace("-", "").replace("_", "")
    aliases = {"ICD10CM": "ICD10", "CPT4": "CPT", "HCPCS2": "HCPCS"}
    try:
        return CodeType(aliases.get(spelled, spelled))
    except ValueError:
        known = ", ".join(CodeType)
        raise InputError(f"--type: {name[:20]!r} is not a code type; give one of {known}") from None


def normalise(code: str, kind: CodeType) -> str:
    """The canonical spelling: no surrounding white space, upper case, ICD-10's dot in its place.

    What cannot be such a code is returned trimmed and in upper case: normalising decides nothing.
    A dot elsewhere than after the third character stays, so that the code stays wrong.
    """
    plain = code.strip(WHITE_SPACE)
    if not plain.isascii():
        return plain
    plain = plain.upper()
    if kind is CodeType.ICD10 and 3 < len(plain) <= 7 and plain.isalnum() and plain[0].isalpha():
        return f"{plain[:3]}.{plain[3:]}"
    return plain


def well_formed(code: str, kind: CodeType) -> bool:
    """Whether a canonical code is written as such codes are; it need not exist."""
    return FORMATS[kind].fullmatch(code) is not None
