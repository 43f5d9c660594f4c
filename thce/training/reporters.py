"""Where metrics and checkpoints go: a local folder, or Ray Train."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from thce.training.checkpoints import KEPT, newest_whole, seal

Save = Callable[[Path], None]


class LocalReporter:
    """One process without Ray: the newest checkpoints in a folder."""

    rank = 0
    world_size = 1

    def __init__(self, folder: Path) -> None:
        """Keeps checkpoints under `folder`; an existing one is resumed from."""
        self.folder = folder
        self.reports: list[dict[str, Any]] = []

    def report(self, metrics: dict[str, Any], save: Save | None) -> None:
        """Keeps the metrics and adds a checkpoint, whole or not at all."""
        self.reports.append(metrics)
        if save is None:
            return
        fresh = self.folder / "checkpoint.tmp"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save(fresh)
        seal(fresh, self.rank, self.world_size)
        earlier = self._checkpoints()
        number = int(earlier[0].name.rpartition("_")[2]) + 1 if earlier else 1
        fresh.rename(self.folder / f"checkpoint_{number:05}")
        for old in earlier[KEPT - 1 :]:
            shutil.rmtree(old)

    @contextmanager
    def resume_folder(self) -> Iterator[Path | None]:
        """The newest whole checkpoint, or None."""
        found = ((str(path), nullcontext(str(path))) for path in self._checkpoints())
        with newest_whole(found) as folder:
            yield folder

    def _checkpoints(self) -> list[Path]:
        """Newest first."""
        return sorted(self.folder.glob("checkpoint_*"), reverse=True)


class RayReporter:
    """Inside a Ray Train worker: `ray.train.report`, and the checkpoints of the run's folder."""

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
            seal(Path(folder), self.rank, self.world_size)
            ray.train.report(metrics, checkpoint=ray.train.Checkpoint.from_directory(folder))

    @contextmanager
    def resume_folder(self) -> Iterator[Path | None]:
        """The run's newest whole checkpoint, or None.

        The folder is searched and Ray's own list of checkpoints is not asked, so that one
        uploaded just before the end counts and a damaged one does not.
        """
        import ray.train
        from pyarrow.fs import FileSelector, FileType

        storage = ray.train.get_context().get_storage()
        filesystem = storage.storage_filesystem
        entries = filesystem.get_file_info(
            FileSelector(storage.experiment_fs_path, allow_not_found=True)
        )
        paths = sorted(
            (
                entry.path
                for entry in entries
                if entry.type == FileType.Directory and entry.base_name.startswith("checkpoint_")
            ),
            reverse=True,
        )
        found = (
            (path, ray.train.Checkpoint(path, filesystem=filesystem).as_directory())
            for path in paths
        )
        with newest_whole(found, quiet=self.rank > 0) as folder:
            yield folder
