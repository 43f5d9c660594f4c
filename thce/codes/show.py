"""Catalogues and checked codes as people read them."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from thce.codes.catalogue import Catalogue

HEADINGS = {
    "short_description": "short",
    "inclusion_terms": "inclusion terms",
    "use_additional_code": "use additional code",
    "code_first": "code first",
    "code_also": "code also",
}


def catalogue_report(catalogue: Catalogue) -> dict[str, Any]:
    """What a catalogue is: source, version, date, size, fingerprint."""
    return {
        **asdict(catalogue.source),
        "entries": len(catalogue),
        "billable": int(catalogue.current.sum()),
        "fingerprint": catalogue.fingerprint,
    }


def check_lines(report: dict[str, Any]) -> Iterator[str]:
    """A checked code's report, one fact a line."""
    yield f"{report['code_type']}: {report['code']}  {report['description'] or 'unknown'}"
    active = {True: "yes", False: "no", None: "not known"}[report["active"]]
    yield (
        f"valid {_yes(report['valid'])}, billable {_yes(report['billable'])}, "
        f"active on {report['date']} {active} ({report['catalogue']})"
    )
    for note in report["notes"]:
        yield f"note: {note}"
    for suggestion in report["suggestions"]:
        yield "did you mean {code}  {description}  [{reason}]".format(**suggestion)
    if report.get("record"):
        yield from _record_lines(report["record"])


def _record_lines(record: dict[str, Any]) -> Iterator[str]:
    yield f"kind: {record['kind']}"
    if record["parents"]:
        yield "above: " + " < ".join(record["parents"])
    if record["children"]:
        yield "below: " + ", ".join(record["children"])
    for name, day in record["lifetime"].items():
        yield f"{name.replace('_', ' ')}: {day}"
    for name, texts in record["notes"].items():
        yield f"{HEADINGS.get(name, name)}:"
        yield from (f"  {text}" for text in texts)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
