"""`load_catalogue`: from a source to a catalogue, by a checked cache under THCE_HOME.

A catalogue is what the user imported, or else what ships. Building one takes seconds, so it is
kept as `THCE_HOME/codes/cache/TYPE-KEY.columns`; the key hashes the source and the code that
builds, so an outdated cache is never read, and a damaged one is rebuilt and said so.
"""

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from thce.codes.catalogue import Catalogue
from thce.codes.code_types import CodeType, code_type
from thce.codes.columns import DamagedFile, Texts, read_columns, write_columns
from thce.codes.entries import Entry, Source
from thce.codes.icd10_source import icd10_identity, read_icd10
from thce.codes.search_index import SearchIndex
from thce.codes.shipped import shipped_text
from thce.codes.table_file import parse_table
from thce.codes.tables import Tables
from thce.errors import InputError
from thce.paths import home

# What decides a cached file's content, beside the source.
BUILDERS = (
    "catalogue",
    "columns",
    "entries",
    "icd10_source",
    "search_index",
    "shipped",
    "table_file",
    "tables",
    "typos",
    "words",
)
TEXT_COLUMNS = ("descriptions", "notes")

log = logging.getLogger(__name__)
_loaded: dict[tuple[CodeType, Path], tuple[str, Catalogue]] = {}
_lock = threading.Lock()


def load_catalogue(kind: CodeType | str) -> Catalogue:
    """The catalogue of a code type, as imported or as shipped.

    Loaded once per process; an import meanwhile is noticed.

    Args:
        kind: ICD10, CPT or HCPCS.

    Raises:
        InputError: there is no such type, or THCE_HOME cannot be written.
    """
    kind = code_type(kind)
    with _lock:
        identity, read = _source(kind)
        fingerprint = hashlib.sha256(identity.encode()).hexdigest()
        known = _loaded.get((kind, home()))
        if known is None or known[0] != fingerprint:
            known = fingerprint, _cached(kind, fingerprint, read)
            _loaded[kind, home()] = known
    return known[1]


def catalogue_versions() -> dict[str, str]:
    """Code type -> version and short fingerprint, as reports and bundles of the coder record it."""
    catalogues = [load_catalogue(kind) for kind in CodeType]
    return {
        catalogue.code_type.value.lower(): (
            f"{catalogue.source.effective}/{catalogue.fingerprint[:12]}"
        )
        for catalogue in catalogues
    }


def imported_table(kind: CodeType) -> Path:
    """Where the user's own table of a code type lies, if one was imported."""
    return home() / "codes" / "imported" / f"{kind}.csv"


def _source(kind: CodeType) -> tuple[str, Callable[[], tuple[Source, list[Entry]]]]:
    """What identifies a catalogue's source, and how to read it."""
    if kind is CodeType.ICD10:
        return icd10_identity(), read_icd10
    own = imported_table(kind)
    text = own.read_text(encoding="utf-8") if own.exists() else shipped_text(f"{kind.lower()}.csv")
    return text, lambda: parse_table(text)


def _cached(
    kind: CodeType, fingerprint: str, read: Callable[[], tuple[Source, list[Entry]]]
) -> Catalogue:
    key = hashlib.sha256(f"{fingerprint}\n{_builders()}".encode()).hexdigest()
    path = home() / "codes" / "cache" / f"{kind}-{key[:16]}.columns"
    try:
        return _from_columns(*read_columns(path))
    except FileNotFoundError:
        pass
    except DamagedFile:
        log.warning("%s is damaged; the catalogue is built anew", path)
    source, entries = read()
    catalogue = Catalogue.of(source, entries, fingerprint)
    try:
        write_columns(path, _header(catalogue), _arrays(catalogue))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; set THCE_HOME to a writable folder") from None
    for other in path.parent.glob(f"{kind}-*.columns"):
        if other != path:
            other.unlink(missing_ok=True)
    return catalogue


@cache
def _builders() -> str:
    """A hash of the code that builds catalogues."""
    folder = files("thce.codes")
    code = b"".join(folder.joinpath(f"{name}.py").read_bytes() for name in BUILDERS)
    return hashlib.sha256(code).hexdigest()


def _header(catalogue: Catalogue) -> dict[str, Any]:
    return {"source": asdict(catalogue.source), "fingerprint": catalogue.fingerprint}


def _arrays(catalogue: Catalogue) -> dict[str, Any]:
    arrays = {
        f"index.{field.name}": getattr(catalogue.index, field.name) for field in fields(SearchIndex)
    }
    for field in fields(Tables):
        column = getattr(catalogue.tables, field.name)
        if field.name in TEXT_COLUMNS:
            arrays[f"{field.name}.blob"], arrays[f"{field.name}.ends"] = column.blob, column.ends
        else:
            arrays[field.name] = column
    return arrays


def _from_columns(header: dict[str, Any], arrays: dict[str, Any]) -> Catalogue:
    about = header["source"]
    source = Source(**{**about, "code_type": CodeType(about["code_type"])})
    columns: dict[str, Any] = {
        field.name: Texts(arrays[f"{field.name}.blob"], arrays[f"{field.name}.ends"])
        if field.name in TEXT_COLUMNS
        else arrays[field.name]
        for field in fields(Tables)
    }
    index = SearchIndex(
        **{field.name: arrays[f"index.{field.name}"] for field in fields(SearchIndex)}
    )
    return Catalogue(source, header["fingerprint"], Tables(**columns), index)
