"""Where metrics and checkpoints go: a local folder, or Ray Train."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Save = Callable[[Path], None]


class LocalReporter:
    """One process without Ray: the latest checkpoint in a folder."""

    rank = 0
    world_size = 1

    def __init__(self, folder: Path) -> None:
        """Keeps checkpoints under `folder`; an existing one is resumed from."""
        self.folder = folder
        self.reports: list[dict[str, Any]] = []

    def report(self, metrics: dict[str, Any], save: Save | None) -> None:
        """Keeps the metrics and replaces the checkpoint whole."""
        self.reports.append(metrics)
        if save is None:
            return
        fresh = self.folder / "checkpoint.tmp"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save(fresh)
        final = self.folder / "checkpoint"
        shutil.rmtree(final, ignore_errors=True)
        fresh.rename(final)

    @contextmanager
    def resume_folder(self) -> Iterator[Path | None]:
        """The kept checkpoint, or None."""
        final = self.folder / "checkpoint"
        yield final if final.is_dir() else None


class RayReporter:
    """Inside a Ray Train worker: `ray.train.report` and `ray.train.get_checkpoint`."""

    def __init__(self) -> None:
        """Reads rank and world size from Ray's context."""
        import ray.train

        context = ray.train.get_context()
        self.rank = context.get_world_rank()
        self.world_size = context.get_world_size()

    def report(self, metrics: dict[str, Any], save: Save | None) -> None:
        """Reports; every worker's files end up together in one checkpoint of the run."""
        import ray.train

        if self.rank == 0 and "finished" not in metrics:
            shown = {
                key: round(value, 4) for key, value in metrics.items() if isinstance(value, float)
            }
            # Standard output is the report's: Ray passes both streams on to the caller's.
            print(f"epoch {metrics['epoch']}: {shown}", file=sys.stderr, flush=True)
        if save is None:
            ray.train.report(metrics)
            return
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder))
            ray.train.report(metrics, checkpoint=ray.train.Checkpoint.from_directory(folder))

    @contextmanager
    def resume_folder(self) -> Iterator[Path | None]:
        """The run's latest checkpoint that can be trained on from, or None."""
        import ray.train

        checkpoint = ray.train.get_checkpoint()
        if checkpoint is None:
            yield None
            return
        with checkpoint.as_directory() as folder:
            yield Path(folder)
