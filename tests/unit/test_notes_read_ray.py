"""The Ray path gives the rows, order, quarantine and errors of the plain path."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thce.errors import InputError
from thce.notes.read import read_notes
from thce.notes.rows import READ_SCHEMA


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """JSONL of many chunks, gzip, CSV and Parquet, with bad and repeated rows across them."""
    folder = tmp_path / "in"
    folder.mkdir()
    notes = [{"id": f"n{i}", "text": f"Note {i}. " + "BAL. " * (i % 50)} for i in range(300)]
    lines = [json.dumps(note).encode() for note in notes]
    lines[40:40] = [b"{", b"\xff", lines[3]]
    (folder / "a.jsonl").write_bytes(b"\n".join(lines))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines[10] + b'\n{"id": "z1", "text": "z"}\n'))
    (folder / "c.csv").write_text('id,text\nn20,Another text.\nz2,"two\nlines"\n')
    pq.write_table(pa.table({"id": ["z3", "z4", "n1"], "text": ["t", "", "Note 1. BAL. "]}),
                   folder / "d.parquet", row_group_size=1)  # fmt: skip
    return folder


def test_ray_reads_what_the_plain_path_reads(
    ray_session: None, mixed: Path, tmp_path: Path
) -> None:
    from thce.notes.read_ray import read_dataset

    plain = read_notes(str(mixed), quarantine=str(tmp_path / "plain.jsonl"))
    dataset = read_dataset(str(mixed), quarantine=str(tmp_path / "ray.jsonl"), chunk_bytes=2_000)
    blocks = list(dataset.iter_batches(batch_size=None, batch_format="pyarrow"))
    assert pa.concat_tables(blocks).cast(READ_SCHEMA).equals(plain)
    quarantined = (tmp_path / "plain.jsonl").read_text()
    assert len(quarantined.splitlines()) == 7
    assert (tmp_path / "ray.jsonl").read_text() == quarantined

    with pytest.raises(InputError) as limit:
        read_dataset(str(mixed), quarantine=None, max_bad_percent=1, chunk_bytes=2_000)
    with pytest.raises(InputError) as plain_limit:
        read_notes(str(mixed), quarantine=None, max_bad_percent=1)
    assert str(limit.value) == str(plain_limit.value)

    (mixed / "b.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(InputError, match=r"b\.jsonl\.gz: the gzip file is damaged"):
        read_dataset(str(mixed), quarantine=None)
