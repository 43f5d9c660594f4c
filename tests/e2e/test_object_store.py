"""Bundles, scoring's parts and notes on an S3 server on loopback: moto, which imitates S3.

Needs `pip install s3fs 'moto[server]'`, which stand beside other versions of shared packages than
constraints.txt, so that they are no part of the environment; without them the test skips.
"""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from small_bundle import spec, stage
from typer.testing import CliRunner

from thce.bundles.build import build
from thce.bundles.load import open_bundle
from thce.bundles.promote import promote
from thce.bundles.publish import publish
from thce.cli import app
from thce.errors import InputError
from thce.notes.read import read_notes
from thce.registry.score_parts import ScoreParts

PORT = 28641
ROWS = pa.table({"encounter_id": ["a", "b"], "needs_review": [True, False]})

pytestmark = pytest.mark.skipif(
    find_spec("moto") is None or find_spec("s3fs") is None,
    reason="an S3 server to test against: pip install s3fs 'moto[server]'",
)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on a server of its own, found by the variables that S3 clients read."""
    url = f"http://127.0.0.1:{PORT}"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(PORT)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ):
            patch.setenv(name, value)
        server = subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL)
        try:
            _wait_for(url, server)
            fsspec.filesystem("s3").mkdir("thce")
            yield "s3://thce"
        finally:
            server.terminate()
            server.wait()


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.2)


def test_a_bundle_is_published_fetched_and_promoted(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    bundle = build(stage(tmp_path / "staging"), spec())
    url = publish(bundle.folder, f"{bucket}/models/one")
    assert publish(bundle.folder, f"{bucket}/models/one") == url  # the same again is no error
    assert open_bundle(url).version == bundle.version
    promote(url, f"{bucket}/channel")
    assert open_bundle(f"champion:{bucket}/channel").version == bundle.version


def test_a_damaged_object_is_refused(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    url = publish(build(stage(tmp_path / "staging"), spec()).folder, f"{bucket}/models/damaged")
    fsspec.filesystem("s3").pipe_file(f"{url}/onnx/model.onnx", b"other weights")
    with pytest.raises(InputError, match=r"onnx/model\.onnx"):
        open_bundle(url)


def test_a_scoring_goes_on_where_it_was(bucket: str) -> None:
    folder, made_with = f"{bucket}/scores", {"model": "m"}
    parts = ScoreParts.open(folder, made_with, resume=True, keeps_parts=True)
    parts.start()
    parts.append(ROWS)
    again = ScoreParts.open(folder, made_with, resume=True, keeps_parts=True)
    assert again.manifest.rows == 2
    again.append(ROWS)
    again.complete()
    found = ScoreParts.open(folder, made_with, resume=True, keeps_parts=True)
    assert found.manifest.complete
    assert pa.concat_tables(found.tables()).num_rows == 4
    with pytest.raises(InputError, match="model"):
        ScoreParts.open(folder, {"model": "other"}, resume=True, keeps_parts=True)


def test_notes_are_read(bucket: str) -> None:
    fsspec.filesystem("s3").pipe_file(
        "thce/notes.jsonl", b'{"id": "1", "text": "Bronchoscopy."}\n{"id": "2", "text": "None."}\n'
    )
    table = read_notes(f"{bucket}/notes.jsonl", quarantine=None)
    assert table["encounter_id"].to_pylist() == ["1", "2"]


def test_a_bucket_that_is_not_there_is_one_line(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        publish(build(stage(tmp_path / "staging"), spec()).folder, "s3://no-such-bucket/models/one")
    assert "s3://no-such-bucket" in str(raised.value) and "\n" not in str(raised.value)


def test_notes_are_prepared_from_and_to_the_bucket(bucket: str) -> None:
    store = fsspec.filesystem("s3")
    store.pipe_file("thce/raw.jsonl", b'{"id": "1", "text": "BAL of the lingula."}\n')
    done = CliRunner().invoke(
        app,
        [
            "notes",
            "prepare",
            "--input",
            f"{bucket}/raw.jsonl",
            "--output",
            f"{bucket}/made.parquet",
        ],
    )
    assert done.exit_code == 0, done.output
    with store.open("thce/made.parquet", "rb") as handle:
        assert parquet.read_table(handle)["encounter_id"].to_pylist() == ["1"]
