"""Runs that lie under THCE_HOME: trainings that are not done, scorings and loops."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thce.errors import InputError
from thce.files import read_json
from thce.paths import home
from thce.registry.loop_folder import LoopFolder
from thce.registry.score_parts import RUN_MANIFEST, RunManifest
from thce.training.runs import LOCK_FILE, is_claimed

TRAININGS = "ray_train"
DEEPEST = 4


def local_runs() -> list[dict[str, Any]]:
    """What lies under THCE_HOME, at most four folders deep: trainings first, then by path.

    A training holds its folder while it is at work, wherever it was started, so it is `running`
    or `interrupted`. Of a scoring or a loop that is not `complete` its files do not tell whether
    somebody is at work on it: it is `unfinished`, and the same command goes on with it.

    Returns:
        Rows of `what`, `where`, `state` and `progress`.
    """
    top = home()
    trainings = sorted(lock.parent for lock in (top / TRAININGS).glob(f"*/{LOCK_FILE}"))
    found = [_training(folder) for folder in trainings]
    for folder in _folders(top, DEEPEST):
        if (folder / RUN_MANIFEST).is_file():
            found.append(_scoring(folder))
        elif (folder / "loop.yaml").is_file():
            found.append(_loop(folder))
    return found


def _folders(top: Path, deepest: int) -> Iterator[Path]:
    """Folders below `top` in order, but for Ray Train's and those that cannot be read."""
    try:
        below = sorted(path for path in top.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return
    for folder in below:
        if folder.name != TRAININGS:
            yield folder
            if deepest > 1:
                yield from _folders(folder, deepest - 1)


def _training(folder: Path) -> dict[str, Any]:
    kept = len(list(folder.glob("checkpoint_*/")))
    state = "running" if is_claimed(folder) else "interrupted"
    return _row("training", folder, state, f"{kept} checkpoints kept")


def _scoring(folder: Path) -> dict[str, Any]:
    try:
        manifest = RunManifest.model_validate(read_json(folder / RUN_MANIFEST))
    except (InputError, ValueError):
        return _row("scoring", folder, "damaged", f"{RUN_MANIFEST} cannot be read")
    state = "complete" if manifest.complete else "unfinished"
    return _row("scoring", folder, state, f"{manifest.rows} notes scored")


def _loop(folder: Path) -> dict[str, Any]:
    loop = LoopFolder(folder)
    rounds = f"{len(loop.rounds())} rounds done"
    if loop.pending.is_file():
        return _row("loop", folder, "waiting", f"{rounds}, a batch waits for its answers")
    return _row("loop", folder, "complete" if loop.report.is_file() else "unfinished", rounds)


def _row(what: str, where: Path, state: str, progress: str) -> dict[str, Any]:
    return {"what": what, "where": str(where), "state": state, "progress": progress}
