"""The output of a scoring, written part by part, so that a killed run goes on where it was.

A part holds a fixed number of rows in input order and appears by rename; the run manifest lists
the parts that are done and what they were made with. The parts that are done are a prefix of the
input, hence the number of their rows says where to go on.
"""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from pydantic import BaseModel, ConfigDict, ValidationError

from thce.bundles.storage import read_bytes, remove, write_bytes
from thce.errors import InputError
from thce.notes.outputs import require_replaceable
from thce.paths import is_remote

RUN_MANIFEST = "_manifest.json"
QUARANTINE_FILE = "_quarantine.jsonl"


class Part(BaseModel):
    """One finished part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    rows: int
    needs_review: int
    sha256: str


class RunManifest(BaseModel):
    """_manifest.json of a scoring: what it is made with and how far it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    made_with: dict[str, Any]
    parts: tuple[Part, ...] = ()
    complete: bool = False

    @property
    def rows(self) -> int:
        """Rows in the finished parts."""
        return sum(part.rows for part in self.parts)

    @property
    def needs_review(self) -> int:
        """Rows among them that a person should look at."""
        return sum(part.needs_review for part in self.parts)


class ScoreParts:
    """The run folder of one scoring."""

    def __init__(
        self, folder: str, manifest: RunManifest, forgotten: tuple[Part, ...] = ()
    ) -> None:
        """Use `open`; `forgotten` parts are deleted by `start`."""
        self.folder = folder
        self.manifest = manifest
        self._forgotten = forgotten

    @classmethod
    def open(
        cls, folder: str, made_with: dict[str, Any], *, resume: bool, keeps_parts: bool
    ) -> "ScoreParts":
        """Finds out where a scoring stands; nothing is written before `start`.

        Args:
            folder: absolute local folder or fsspec URL.
            made_with: bundle, input and all else that the rows depend on, as JSON values.
            resume: False forgets the parts that an earlier scoring left.
            keeps_parts: whether the parts of a complete scoring are its output.

        Raises:
            InputError: the folder holds a scoring made with something else, a damaged one, or
                other files than a scoring's.
        """
        found = _read_manifest(folder)
        if found is None:
            # Remote storage has no empty folders; a scoring that was killed early leaves dot files.
            if not is_remote(folder):
                require_replaceable("output", Path(folder), (QUARANTINE_FILE, ".*"))
        elif resume:
            _require_same(folder, found.made_with, made_with)
            if keeps_parts or not found.complete:
                _require_intact(folder, found)
            return cls(folder, found)
        return cls(folder, RunManifest(made_with=made_with), found.parts if found else ())

    def start(self) -> None:
        """Writes the manifest, and deletes the forgotten parts."""
        self._write_manifest()
        for part in self._forgotten:
            remove(self.folder, part.file)
        self._forgotten = ()

    def append(self, table: pa.Table) -> None:
        """Commits the next part."""
        name = f"part-{len(self.manifest.parts):05}.parquet"
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        content = buffer.getvalue()
        write_bytes(self.folder, name, content)
        part = Part(
            file=name,
            rows=table.num_rows,
            needs_review=pc.sum(table["needs_review"]).as_py() or 0,
            sha256=hashlib.sha256(content).hexdigest(),
        )
        self._update(parts=(*self.manifest.parts, part))

    def tables(self) -> Iterator[pa.Table]:
        """The finished parts, in order."""
        for part in self.manifest.parts:
            yield parquet.read_table(io.BytesIO(read_bytes(self.folder, part.file) or b""))

    def complete(self) -> None:
        """Marks the scoring as complete."""
        self._update(complete=True)

    def discard_parts(self) -> None:
        """Deletes the parts of a complete scoring whose rows lie elsewhere by now."""
        for part in self.manifest.parts:
            remove(self.folder, part.file)

    def _update(self, **changes: Any) -> None:
        self.manifest = self.manifest.model_copy(update=changes)
        self._write_manifest()

    def _write_manifest(self) -> None:
        content = self.manifest.model_dump_json(indent=2) + "\n"
        write_bytes(self.folder, RUN_MANIFEST, content.encode())


def _read_manifest(folder: str) -> RunManifest | None:
    content = read_bytes(folder, RUN_MANIFEST)
    if content is None:
        return None
    try:
        return RunManifest.model_validate_json(content)
    except ValidationError:
        raise InputError(
            f"{folder}/{RUN_MANIFEST}: not readable; delete the folder and score again"
        ) from None


def _require_same(folder: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    changed = [name for name in wanted if found.get(name) != wanted[name]]
    if changed:
        raise InputError(
            f"output: {folder} was begun with another {', '.join(changed)}; "
            "give another output, or --set resume=false to start over"
        )


def _require_intact(folder: str, found: RunManifest) -> None:
    for part in found.parts:
        content = read_bytes(folder, part.file)
        if content is None or hashlib.sha256(content).hexdigest() != part.sha256:
            raise InputError(
                f"{folder}/{part.file}: not as it was written; resume=false starts over"
            )
