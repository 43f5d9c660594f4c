"""Trains a stage in this process, without Ray: for a bare machine with a GPU.

`python -m thce.coder.train_plain --config configs/coder/stage_1.yaml --config
configs/coder/gpu.yaml --data DATA --output OUTPUT` takes the configuration of `thce coder train`
and writes the same output. It goes on with an interrupted run likewise.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import typer

from thce import config as configs
from thce.coder.dry_run import dry_run
from thce.coder.train import depends_on, resolved_settings, train_on_device
from thce.coder.train_config import TrainConfig
from thce.errors import InputError, input_error
from thce.files import read_json, replace_folder
from thce.paths import home
from thce.training.runs import claimed_run, run_name


def train_plain(config: TrainConfig) -> dict[str, Any]:
    """Trains on the first GPU, or else on the CPU.

    Returns:
        What training.json holds, and the output folder.

    Raises:
        InputError: see `thce.coder.train.run`.
    """
    import torch

    from thce.training.ray_train import quiet_worker
    from thce.training.reporters import LocalReporter

    settings = resolved_settings(config)
    if config.dry_run:
        return dry_run(settings)
    quiet_worker()
    name = run_name("coder", Path(settings["output"]), depends_on(settings))
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    storage = str(home() / "plain_train")
    with claimed_run(storage, name, resume=config.resume):
        reporter = LocalReporter(Path(storage) / name)
        train_on_device(settings | {"run": name}, reporter, device)
        with reporter.resume_folder() as folder:
            assert folder is not None  # training ended with a checkpoint
            product, output = folder / "final", Path(settings["output"])
            replace_folder(product, output, {"config.yaml": configs.dump(config)})
    shutil.rmtree(Path(storage) / name)
    return dict(read_json(f"{settings['output']}/training.json")) | {"output": settings["output"]}


def main(
    config: list[str] = typer.Option(..., "--config", "-c", help="YAML; later ones overrule."),
    overrides: list[str] = typer.Option([], "--set", "-s", help="Overrides a field: a.b=value."),
    stage: int | None = typer.Option(None, "--stage", help="1, 2 or 3."),
    data: str | None = typer.Option(None, "--data", help="Parquet or JSONL, file or folder."),
    output: str | None = typer.Option(None, "--output", help="Folder to write."),
    init_from: str | None = typer.Option(None, "--init-from", help="Output of the stage before."),
) -> None:
    """Trains one stage without Ray and prints its report as JSON."""
    given = {"stage": stage, "data": data, "output": output, "init_from": init_from}
    shortcuts = [f"{name}={json.dumps(value)}" for name, value in given.items() if value]
    try:
        report = train_plain(configs.load(TrainConfig, config, [*overrides, *shortcuts]))
    except (InputError, OSError) as error:
        said = input_error(error) if isinstance(error, OSError) else error
        typer.echo(f"train: {said}", err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(report))


if __name__ == "__main__":
    typer.run(main)
