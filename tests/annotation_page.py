"""What the tests of the annotation page share: a store with tasks, and clients of its API."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask
from thce.registry.labels import FLAGS, Flag

NOTE = (
    "PROCEDURE: Flexible bronchoscopy.\n\nA therapeutic bronchoscope was passed and the airways "
    "were inspected. Bronchoalveolar lavage of the right middle lobe was performed with 100 mL "
    "of saline and 45 mL returned. No endobronchial biopsy was taken. The patient tolerated the "
    "procedure well and there were no complications; chest film afterwards showed no "
    "pneumothorax. Note number {number} \U0001fac1 of the test."
)


def meta(**changes: Any) -> dict[str, Any]:
    """What the sampler keeps of a note: the model sees a wash, the codes a lavage."""
    return {
        "ml_accept": ["diagnostic_bronchoscopy", "bronchial_wash"],
        "cpt_accept": ["diagnostic_bronchoscopy", "bal"],
        "rule_accept": ["diagnostic_bronchoscopy", "bal"],
        "cpt_codes": ["31624-59"],
        "probabilities": {
            flag.value: 0.91
            if flag in (Flag.DIAGNOSTIC_BRONCHOSCOPY, Flag.BRONCHIAL_WASH)
            else 0.02
            for flag in FLAGS
        },
        "model_version": "f" * 16,
        "strategy": "disagreement",
    } | changes


def task(
    number: int, *, blind: bool = False, options: Sequence[Flag] = FLAGS, **changes: Any
) -> NewTask:
    """A note that says lavage, and its sources; `changes` to what the sampler kept of it."""
    prefill = (Flag.DIAGNOSTIC_BRONCHOSCOPY, Flag.BAL, Flag.BRONCHIAL_WASH)
    return NewTask(
        f"e{number:04}",
        NOTE.format(number=number),
        options=tuple(options),
        prefill=tuple(flag for flag in prefill if flag in options),
        meta=meta(**changes),
        blind=blind,
    )


def filled_store(
    path: Path, notes: int, *, overlap: int = 1, blind: Sequence[int] = (), batches: int = 1
) -> Path:
    """A store with batches b1, b2 and so on, of so many notes each."""
    with AnnotationStore.open(path, create=True) as store:
        for batch in range(batches):
            numbers = range(batch * notes, (batch + 1) * notes)
            tasks = [task(number, blind=number in blind) for number in numbers]
            store.prepare(f"b{batch + 1}", tasks, overlap=overlap)
    return path


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start_page(store: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    """`thce annotations page` in a process of its own; returns once it answers."""
    command = [sys.executable, "-m", "thce.cli", "annotations", "page"]
    process = subprocess.Popen(
        [*command, "--store", str(store), "--port", str(port), *options],
        stdout=subprocess.DEVNULL,
        env=os.environ
        | {
            "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            "THCE_HOME": str(store.parent / "home"),
        },
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx2.get(f"http://127.0.0.1:{port}/annotate/", timeout=5)
            return process
        except httpx2.TransportError:
            time.sleep(0.05)
    process.kill()
    raise AssertionError(f"the page did not start: exit status {process.wait()}")


@contextmanager
def served_page(store: Path, *options: str) -> Iterator[str]:
    """The page's address while it is served."""
    port = free_port()
    process = start_page(store, port, *options)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
