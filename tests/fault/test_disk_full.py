"""A full or read-only disk: exit code 2, one line that names the file, no half artefact."""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest
from small_disk import Ended, require_mounts, run_on
from small_training import Exported, exported, shipped_notes, small_base
from user_commands import SMALL_RECIPE

from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.files import write_jsonl
from thce.registry.dataset import read_split
from thce.registry.labels import Flag

FULL, READ_ONLY = "size=16k", "ro"
SAID = {
    FULL: ("No space left on device", "the disk is full"),
    READ_ONLY: ("Read-only file system",),
}
DISKS = pytest.mark.parametrize("options", [FULL, READ_ONLY], ids=["full", "read-only"])

RECIPE = " ".join(f"-s {name}={value}" for name, value in (SMALL_RECIPE | {"epochs": 2}).items())
TRAIN = f"registry train --dataset {{dataset}} --model-name {{base}} {RECIPE} --json"
LOOP = "registry loop --notes {notes} -s recipe.model_name={base}"
SCORE = "registry score --model {bundle} --input {notes} -s part_rows=50"
SCORED = ("_manifest.json", "_quarantine.jsonl", "part-0000[0-3].parquet")

Case = tuple[str, set[str]]
"""A command, and the files that it may leave on the disk."""

SMALL_STEPS: dict[str, Case] = {
    # The quarantine of `prepare` is written first, and whole: it says that no row was bad.
    "prepare": ("notes prepare --input {notes} --output {out}.jsonl", {"quarantine.jsonl"}),
    "dataset": ("registry dataset --hydrated {hydrated} --output {out}", set()),
    "labels": ("annotations export-labels --output {out} --store {store}", set()),
    "tasks": ("annotations export-tasks b1 --output {out} --store {store}", set()),
    "backup": ("annotations backup {out} --store {store}", set()),
}
BUNDLES_AND_REPORTS: dict[str, Case] = {
    "export": ("registry export --model {trained} --dataset {dataset} --output {out}", set()),
    "report": ("registry evaluate --model {bundle} --input {notes} --report {out}.html", set()),
    "publish": ("bundles publish {bundle} {out}", set()),
    "promote": ("bundles promote {bundle} --channel {out}/channel", {"out/channel/.lock"}),
    "import": ("annotations import --input {answers} --store {out}.sqlite", set()),
}
STEPS_ON_RAY: dict[str, Case] = {
    "hydrate": ("registry hydrate --input {notes} --output {out}", set()),
    "train": (f"{TRAIN} --output {{out}}", set()),
    # What a later run resumes from, or passes over.
    "checkpoints": (
        f"{TRAIN} --output {{elsewhere}} -s storage={{out}}",
        {"out/registry-elsewhere-*"},
    ),
    "score": (f"{SCORE} --output {{out}}.jsonl", {f"out.jsonl.run/{name}" for name in SCORED}),
    "loop": (f"{LOOP} --output {{out}}", {"out/loop.yaml", "out/quarantine-0.jsonl"}),
}


@dataclass(frozen=True)
class Setting:
    """Inputs on a good disk, and the folder that becomes a small one."""

    folder: Path
    made: Exported

    def run(self, options: str, command: str) -> Ended:
        disk = self.folder / "disk"
        places = {
            "out": disk / "out",
            "elsewhere": self.folder / "elsewhere",
            "notes": self.folder / "notes.jsonl",
            "answers": self.folder / "answers.jsonl",
            "store": self.folder / "annotations.sqlite",
            "base": self.folder / "base",
            "hydrated": Path(self.made.dataset).parent / "hydrated.parquet",
            "dataset": self.made.dataset,
            "trained": self.made.trained,
            "bundle": self.made.bundle,
        }
        arguments = [part.format_map(places) for part in command.split()]
        return run_on(disk, options, *arguments, home=self.folder / "home")


@pytest.fixture(scope="module")
def setting(module_folder: Path, registry_data: Path) -> Setting:
    require_mounts()
    (module_folder / "disk").mkdir()
    shipped = shipped_notes(registry_data, "a", 20)
    rows = [
        row | {"id": f"n{copy}-{number}", "text": f"{row['text']} Copy {copy}."}
        for copy in range(10)
        for number, row in enumerate(shipped)
    ]
    write_jsonl(module_folder / "notes.jsonl", rows)
    answer = {"text": "x" * 100_000, "accept": [], "answer": "accept", "options": [{"id": "bal"}]}
    write_jsonl(module_folder / "answers.jsonl", [answer | {"meta": {"encounter_id": "e1"}}])
    with AnnotationStore.open(module_folder / "annotations.sqlite", create=True) as store:
        store.prepare("b1", [NewTask(f"e{n}", "note " * 30) for n in range(300)])
        for number in range(300):
            store.answer(task_id_of("b1", f"e{number}"), "anna", [Flag.BAL])
    made = exported(registry_data)
    small_base(module_folder / "base", read_split(made.dataset, "train").texts)
    return Setting(module_folder, made)


def require_nothing_left(ended: Ended, allowed: set[str]) -> None:
    """No file on the disk but the allowed ones."""
    left = [name.removeprefix("./") for name in ended.left]
    assert [one for one in left if not any(fnmatch(one, pattern) for pattern in allowed)] == []


def require_clean(ended: Ended, options: str, allowed: set[str]) -> None:
    """Exit 2, one line, and no file but the allowed ones."""
    assert ended.code == 2, ended.stderr[-3000:]
    lines = [line for line in ended.stderr.splitlines() if line.startswith("thce: ")]
    assert len(lines) == 1, ended.stderr[-3000:]
    assert any(words in lines[0] for words in SAID[options])
    assert "Traceback" not in ended.stderr
    require_nothing_left(ended, allowed)


@DISKS
@pytest.mark.parametrize("name", SMALL_STEPS)
def test_small_steps_fail_clean(setting: Setting, options: str, name: str) -> None:
    command, allowed = SMALL_STEPS[name]
    require_clean(setting.run(options, command), options, allowed)


@pytest.mark.soak
@DISKS
@pytest.mark.parametrize("name", BUNDLES_AND_REPORTS)
def test_bundles_and_reports_fail_clean(setting: Setting, options: str, name: str) -> None:
    command, allowed = BUNDLES_AND_REPORTS[name]
    require_clean(setting.run(options, command), options, allowed)


@pytest.mark.soak
@DISKS
@pytest.mark.parametrize("name", STEPS_ON_RAY)
def test_steps_on_ray_fail_clean(setting: Setting, options: str, name: str) -> None:
    command, allowed = STEPS_ON_RAY[name]
    ended = setting.run(options, command)
    assert ended.code == 2, ended.stderr[-3000:]
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("thce: "), ended.stderr[-3000:]
    assert any(words in last for words in SAID[options]), last
    assert not (setting.folder / "elsewhere").exists()
    require_nothing_left(ended, allowed)
