"""A full or read-only disk: exit code 2, one line that names the file, no half artefact."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_disk import Ended, require_mounts, run_on
from small_training import exported
from user_commands import dataset_and_base, train_arguments

from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.registry.labels import Flag

FULL, READ_ONLY = "size=16k", "ro"
SAID = {
    FULL: ("No space left on device", "the disk is full"),
    READ_ONLY: ("Read-only file system",),
}


@dataclass(frozen=True)
class Setting:
    """Inputs on a good disk, and the folder that becomes a small one."""

    folder: Path
    disk: Path
    notes: Path
    trained: str
    dataset: str
    bundle: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def run(self, options: str, *arguments: object, prepare: str = "true") -> Ended:
        return run_on(self.disk, options, *arguments, home=self.home, prepare=prepare)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory, registry_data: Path) -> Setting:
    require_mounts()
    folder = tmp_path_factory.mktemp("disk")
    (folder / "disk").mkdir()
    lines = (registry_data / "registry_notes_a.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:20]] * 10
    for number, row in enumerate(rows):
        row["id"] = f"n{number}"
        row["text"] += f" Number {number}."
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "notes.jsonl").write_text(text, encoding="utf-8")
    with AnnotationStore.open(folder / "annotations.sqlite", create=True) as store:
        store.prepare("b1", [NewTask(f"e{n}", "note " * 30) for n in range(300)])
        for number in range(300):
            store.answer(task_id_of("b1", f"e{number}"), "anna", [Flag.BAL])
    made = exported(registry_data)
    return Setting(
        folder,
        folder / "disk",
        folder / "notes.jsonl",
        made.trained,
        made.dataset,
        made.bundle,
    )


def require_clean(ended: Ended, options: str, *allowed: str) -> None:
    """Exit 2, one line, and no file but the allowed ones."""
    assert ended.code == 2, ended.stderr[-3000:]
    lines = [line for line in ended.stderr.splitlines() if line.startswith("thce: ")]
    assert len(lines) == 1, ended.stderr[-3000:]
    assert any(words in lines[0] for words in SAID[options])
    assert "Traceback" not in ended.stderr
    assert [name for name in ended.left if name.removeprefix("./") not in allowed] == []


@pytest.mark.parametrize("options", [FULL, READ_ONLY])
@pytest.mark.parametrize("command", ["prepare", "dataset", "labels", "tasks", "backup"])
def test_small_steps_fail_clean(setting: Setting, options: str, command: str) -> None:
    out, store = setting.disk / "out", setting.folder / "annotations.sqlite"
    hydrated = Path(setting.dataset).parent / "hydrated.parquet"
    commands: dict[str, list[object]] = {
        "prepare": ["notes", "prepare", "--input", setting.notes, "--output", f"{out}.jsonl"],
        "dataset": ["registry", "dataset", "--hydrated", hydrated, "--output", out],
        "labels": ["annotations", "export-labels", "--output", out, "--store", store],
        "tasks": ["annotations", "export-tasks", "b1", "--output", out, "--store", store],
        "backup": ["annotations", "backup", out, "--store", store],
    }
    ended = setting.run(options, *commands[command])
    # The quarantine of `prepare` is written first, and whole: it says that no row was bad.
    require_clean(ended, options, "quarantine.jsonl")


@pytest.mark.soak
@pytest.mark.parametrize("options", [FULL, READ_ONLY])
@pytest.mark.parametrize("command", ["export", "report", "publish", "import", "promote"])
def test_bundles_and_reports_fail_clean(setting: Setting, options: str, command: str) -> None:
    out = setting.disk / "out"
    bundle, answers = setting.bundle, setting.folder / "answers.jsonl"
    given = ["--model", setting.trained, "--dataset", setting.dataset]
    commands: dict[str, list[object]] = {
        "export": ["registry", "export", *given, "--output", out],
        "report": ["registry", "evaluate", *("--model", bundle, "--input", setting.notes)],
        "publish": ["bundles", "publish", bundle, out],
        "promote": ["bundles", "promote", bundle, "--channel", f"{out}/channel"],
        "import": ["annotations", "import", "--input", answers, "--store", f"{out}.sqlite"],
    }
    commands["report"] += ["--report", f"{out}.html"]
    row = {"text": "x" * 100_000, "accept": [], "answer": "accept", "options": [{"id": "bal"}]}
    row |= {"meta": {"encounter_id": "e1"}}
    answers.write_text(json.dumps(row) + "\n")
    require_clean(setting.run(options, *commands[command]), options, "out/channel/.lock")


@pytest.mark.soak
@pytest.mark.parametrize("options", [FULL, READ_ONLY])
@pytest.mark.parametrize("command", ["hydrate", "train", "checkpoints", "score", "loop"])
def test_steps_on_ray_fail_clean(
    setting: Setting, registry_data: Path, tmp_path: Path, options: str, command: str
) -> None:
    out = setting.disk / "out"
    dataset, base = dataset_and_base(tmp_path, registry_data)
    training = train_arguments(dataset, base, out, epochs=2)
    elsewhere = train_arguments(dataset, base, tmp_path / "trained", epochs=2)
    scores = ["--model", setting.bundle, "--output", f"{out}.jsonl", "-s", "part_rows=50"]
    base_weights = ["-s", f"recipe.model_name={base}"]
    commands: dict[str, list[object]] = {
        "hydrate": ["registry", "hydrate", "--input", setting.notes, "--output", out],
        "train": [*training],
        "checkpoints": [*elsewhere, "-s", f"storage={out}"],
        "score": ["registry", "score", "--input", setting.notes, *scores],
        "loop": ["registry", "loop", "--notes", setting.notes, "--output", out, *base_weights],
    }
    ended = setting.run(options, *commands[command])
    assert ended.code == 2, ended.stderr[-3000:]
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("thce: "), ended.stderr[-3000:]
    assert any(words in last for words in SAID[options]), last
    assert not (tmp_path / "trained").exists()
    parts = {"out.jsonl.run/_manifest.json", "out.jsonl.run/_quarantine.jsonl"}
    allowed = {
        "score": parts | {f"out.jsonl.run/part-0000{number}.parquet" for number in range(4)},
        "loop": {"out/loop.yaml", "out/quarantine-0.jsonl"},
    }
    left = {name.removeprefix("./") for name in ended.left} - allowed.get(command, set())
    if command == "checkpoints":  # what a later run resumes from, or passes over
        left = {name for name in left if not name.startswith("out/registry-trained-")}
    assert left == set()
