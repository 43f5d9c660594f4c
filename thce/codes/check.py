"""`thce codes check`: what there is to say about one code, and whether a claim may carry it."""

import datetime
from dataclasses import asdict
from typing import Any

from thce.codes.catalogue import Catalogue, Code
from thce.codes.code_types import WORDING, CodeType, normalise, well_formed

NO_CODES = ("chapter", "block", "retired")


def check(catalogue: Catalogue, typed: str, date: datetime.date | None = None) -> dict[str, Any]:
    """A code's standing.

    Args:
        catalogue: where to look.
        typed: the code in any spelling.
        date: the date of service; by default the catalogue's own release.

    Returns:
        `code` (canonical), `code_type`, `catalogue` (its release), `date` (as of when),
        `valid` (the catalogue lists it, as a code or a category above codes; chapters and blocks
        are none, nor is a retired ICD-10-CM code but on a date of its time), `billable` (a claim
        may carry it on the date: it is a code, and not known to be out of force), `active` (in
        force on the date; null where the source has no tables of it), `ok` (billable: what the
        command's exit code says), `description`, `notes` (reasons in words), `suggestions`
        (where not ok), `record`.
    """
    code = normalise(typed, catalogue.code_type)
    known = catalogue.get(code)
    as_of = date or datetime.date.fromisoformat(catalogue.source.effective)
    billable = known is not None and catalogue.is_billable(code, date)
    active = catalogue.active(code, as_of) if known is not None else None
    return {
        "code": code,
        "code_type": catalogue.code_type.value,
        "catalogue": catalogue.source.version,
        "date": as_of.isoformat(),
        "valid": known is not None and (billable or known.kind not in NO_CODES),
        "billable": billable,
        "active": active,
        "ok": billable,
        "description": known.description if known else None,
        "notes": list(_notes(catalogue, typed, known, as_of, active)),
        "suggestions": [] if billable else [asdict(s) for s in catalogue.suggest(typed, date=date)],
        "record": asdict(known) if known else None,
    }


def _notes(
    catalogue: Catalogue,
    typed: str,
    known: Code | None,
    date: datetime.date,
    active: bool | None,
) -> list[str]:
    """What a person should know, one sentence each."""
    code = normalise(typed, catalogue.code_type)
    if known is None:
        return _absent(catalogue, code, typed)
    notes = []
    row = catalogue.row(code)
    lifetime = known.lifetime
    if not catalogue.tables.reportable[row]:
        notes.append(f"{code} is a {known.kind}: a claim needs a code below it")
    elif active is False and "gone_from" in lifetime and date.isoformat() >= lifetime["gone_from"]:
        notes.append(_ended(catalogue, code, lifetime))
    elif active is False:
        notes.append(f"{code} was not yet in force on {date}: {_begun(catalogue, lifetime)}")
    elif active is None and lifetime:
        notes.append(f"no table of {date} is at hand; {_begun(catalogue, lifetime)}")
    until = catalogue.source.covers_until or catalogue.source.effective
    if date.isoformat() > until:
        notes.append(f"these tables hold until {until}; a newer release may differ on {date}")
    return notes


def _absent(catalogue: Catalogue, code: str, typed: str) -> list[str]:
    kind = catalogue.code_type
    source = catalogue.source
    notes = []
    if not well_formed(code, kind):
        notes.append(f"not written as {kind} codes are: {WORDING[kind]}")
        others = [other for other in CodeType if well_formed(normalise(typed, other), other)]
        notes.extend(f"it is written as {other} codes are" for other in others)
    elif source.complete:
        notes.append(f"{source.version} has no such code")
    else:
        count = int(catalogue.current.sum())
        notes.append(
            f"not among the {count} common codes that ship; it may exist: "
            f"`thce codes import --type {kind} FILE` brings the whole list"
        )
    return notes


def _ended(catalogue: Catalogue, code: str, lifetime: dict[str, str]) -> str:
    if catalogue.code_type is CodeType.ICD10:
        return (
            f"{code} was retired between the releases of {lifetime['active_to']} "
            f"and {lifetime['gone_from']}"
        )
    return f"{code} was terminated; its last day was {lifetime['active_to']}"


def _begun(catalogue: Catalogue, lifetime: dict[str, str]) -> str:
    first = lifetime.get("active_from", "")
    if catalogue.code_type is CodeType.ICD10:
        return f"the first release at hand that lists it is that of {first}"
    return f"it was added on {first}"
