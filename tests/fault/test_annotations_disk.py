"""A full disk: an error with a remedy, no half file, and everything from before still there."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from thce.annotations.backup import backup
from thce.annotations.labels_csv import export_labels
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.errors import InputError
from thce.registry.labels import Flag


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnnotationStore]:
    with AnnotationStore.open(tmp_path / "annotations.sqlite", create=True) as opened:
        opened.prepare("b1", [NewTask(f"e{number}", "note") for number in range(40)])
        for number in range(40):
            opened.answer(task_id_of("b1", f"e{number}"), "anna", [Flag.BAL])
        yield opened


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses to let a file grow beyond `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_refuses_the_answer_and_keeps_the_store(store: AnnotationStore) -> None:
    (pages,) = store.database.connection.execute("PRAGMA page_count").fetchone()
    store.database.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(InputError, match="the disk is full; free space"):
        store.prepare("b2", [NewTask(f"f{number}", "note " * 500) for number in range(40)])
    store.database.connection.execute("PRAGMA max_page_count = 1000000")
    assert [batch.batch for batch in store.batches()] == ["b1"], "nothing half written"
    assert store.progress()["answers"] == 40
    assert store.prepare("b2", [NewTask("f1", "note")]).created == 1


def test_a_disk_that_refuses_to_write_loses_no_earlier_answer(store: AnnotationStore) -> None:
    log = store.path.with_name(store.path.name + "-wal")
    with largest_file(log.stat().st_size), pytest.raises(InputError, match="free space"):
        for number in range(40):
            store.answer(task_id_of("b1", f"e{number}"), "ben", [])
    known = store.progress()["answers"]
    store.close()
    with AnnotationStore.open(store.path) as reopened:
        assert reopened.progress()["answers"] == known >= 40
        assert reopened.answer(task_id_of("b1", "e1"), "carl", [])


@pytest.mark.parametrize("write", [export_labels, backup], ids=["labels", "backup"])
def test_fault_a_write_that_fails_leaves_the_old_file_whole(
    store: AnnotationStore,
    tmp_path: Path,
    write: Callable[[AnnotationStore, Path], object],
) -> None:
    folder = tmp_path / "out"
    target = folder / "file"
    write(store, target)
    before = target.read_bytes()
    store.answer(task_id_of("b1", "e1"), "anna", [])
    with largest_file(len(before) // 2), pytest.raises(InputError, match="file"):
        write(store, target)
    assert target.read_bytes() == before
    assert [file.name for file in folder.iterdir()] == ["file"], "no half file beside it"
