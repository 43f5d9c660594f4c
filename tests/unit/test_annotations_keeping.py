"""Backup, restore and deletion on request."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from thce.annotations.backup import backup, restore
from thce.annotations.states import Block
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.errors import InputError
from thce.registry.labels import Flag

SECRET = "Planted Marker 8842"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnnotationStore]:
    with AnnotationStore.open(tmp_path / "annotations.sqlite", create=True) as opened:
        notes = [NewTask(f"e{n}", f"note {n} " * 200) for n in range(20)]
        secret = NewTask("patient-8842", SECRET * 400, meta={"who": SECRET})
        opened.prepare("b1", [*notes[:10], secret, *notes[10:]])
        opened.lease("anna", 12, 3600)
        opened.answer(task_id_of("b1", "patient-8842"), "anna", [Flag.BAL])
        opened.answer(task_id_of("b1", "e3"), "anna", [Flag.IPC])
        yield opened


def bytes_on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


def test_a_deleted_note_leaves_no_byte_in_the_file(store: AnnotationStore) -> None:
    before = bytes_on_disk(store.path)
    assert SECRET.encode() in before, "the search would find it"
    assert b"patient-8842" in before
    deleted = store.delete_note("patient-8842")
    assert (deleted.tasks, deleted.answers) == (1, 1)
    after = bytes_on_disk(store.path)
    for word in (SECRET, "patient-8842", task_id_of("b1", "patient-8842")):
        assert word.encode() not in after


def test_a_deleted_note_is_gone_from_labels_and_never_comes_back(store: AnnotationStore) -> None:
    store.delete_note("patient-8842")
    assert store.human_labels().table["encounter_id"].to_pylist() == ["e3"]
    assert store.blocked(["patient-8842", "e5"])["patient-8842"] is Block.DELETED
    assert store.prepare("b2", [NewTask("patient-8842", SECRET)]).deleted == 1
    assert store.add_to_pool(["patient-8842"]) == 0
    assert "patient-8842" not in store.states()
    assert SECRET.encode() not in bytes_on_disk(store.path)
    assert store.progress()["deleted"] == 1


def test_deleting_twice_does_no_harm_and_an_unknown_note_is_named(store: AnnotationStore) -> None:
    store.delete_note("patient-8842")
    assert store.delete_note("patient-8842").tasks == 0
    assert store.progress()["deleted"] == 1
    with pytest.raises(InputError, match="'e99' is not in the store"):
        store.delete_note("e99")
    assert store.delete_note("e4").tasks == 1
    assert store.progress()["deleted"] == 2


def test_deletion_says_so_when_a_reader_keeps_old_pages(
    store: AnnotationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.database.connection.execute("PRAGMA busy_timeout = 50")
    reader = sqlite3.connect(store.path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM tasks").fetchone()
    with pytest.raises(InputError, match="close it and repeat"):
        store.delete_note("patient-8842")
    reader.close()
    store.delete_note("patient-8842")
    assert SECRET.encode() not in bytes_on_disk(store.path)


def test_a_backup_restores_the_same_store(store: AnnotationStore, tmp_path: Path) -> None:
    labels, states = store.human_labels().table, store.states()
    file = backup(store, tmp_path / "backups" / "monday.sqlite")
    assert [path.name for path in file.parent.iterdir()] == ["monday.sqlite"]
    assert file.stat().st_mode & 0o777 == 0o600
    target = tmp_path / "other" / "annotations.sqlite"
    assert restore(file, target).answers == 2
    with AnnotationStore.open(target) as restored:
        assert restored.human_labels().table.equals(labels)
        assert restored.states() == states
        assert restored.tasks("b1") == store.tasks("b1")


def test_a_backup_replaces_an_older_one_but_never_the_store(
    store: AnnotationStore, tmp_path: Path
) -> None:
    file = backup(store, tmp_path / "backup.sqlite")
    store.answer(task_id_of("b1", "e5"), "anna", [])
    backup(store, file)
    assert restore(file, tmp_path / "new.sqlite").answers == 3
    with pytest.raises(InputError, match="cannot replace the store itself"):
        backup(store, store.path)


def test_restore_refuses_to_overwrite_answers_without_force(
    store: AnnotationStore, tmp_path: Path
) -> None:
    file = backup(store, tmp_path / "backup.sqlite")
    store.answer(task_id_of("b1", "e5"), "anna", [])
    with pytest.raises(InputError, match="holds 3 answers"):
        restore(file, store.path)
    assert store.progress()["answers"] == 3
    assert restore(file, store.path, force=True).answers == 2
    assert store.progress()["answers"] == 2, "a process that has it open goes on with the backup"


def test_a_note_deleted_since_the_backup_stays_deleted(
    store: AnnotationStore, tmp_path: Path
) -> None:
    file = backup(store, tmp_path / "backup.sqlite")
    store.delete_note("patient-8842")
    restored = restore(file, store.path, force=True)
    assert (restored.answers, restored.deleted_again) == (1, 1)
    assert store.blocked(["patient-8842"]) == {"patient-8842": Block.DELETED}
    assert SECRET.encode() not in bytes_on_disk(store.path)


def test_a_damaged_store_is_set_aside_and_replaced(store: AnnotationStore, tmp_path: Path) -> None:
    file = backup(store, tmp_path / "backup.sqlite")
    store.close()
    store.path.write_bytes(b"garbage" * 1000)
    with pytest.raises(InputError, match=r"not an annotation store.*--force sets this file aside"):
        restore(file, store.path)
    restored = restore(file, store.path, force=True)
    assert restored.set_aside is not None
    assert restored.set_aside.read_bytes() == b"garbage" * 1000
    with AnnotationStore.open(store.path) as opened:
        assert opened.progress()["answers"] == 2


def test_a_damaged_or_foreign_backup_is_refused_and_the_store_untouched(
    store: AnnotationStore, tmp_path: Path
) -> None:
    file = backup(store, tmp_path / "backup.sqlite")
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
    file.write_bytes(content)
    for bad in (file, tmp_path / "no.sqlite"):
        with pytest.raises(InputError, match=r"damaged|no annotation store there"):
            restore(bad, store.path, force=True)
    assert store.progress()["answers"] == 2


def test_a_copy_made_with_cp_restores_too(store: AnnotationStore, tmp_path: Path) -> None:
    store.close()
    shutil.copy(store.path, tmp_path / "copy.sqlite")
    assert restore(tmp_path / "copy.sqlite", tmp_path / "new.sqlite").answers == 2
