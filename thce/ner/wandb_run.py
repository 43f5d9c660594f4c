"""What Weights & Biases is told of a training: its metrics, its summary, and what it made."""

import os
from datetime import datetime
from pathlib import Path

from thce.files import read_json, read_jsonl
from thce.ner.recipe import TrainConfig


def report_run(config: TrainConfig, output: Path) -> None:
    """Reports a finished training, offline unless WANDB_MODE says otherwise.

    The run is named by model and time; model and tokenizer are its artefacts.

    Args:
        config: of the training; `wandb` is the project.
        output: what it wrote; the run's files go to its folder `wandb`.
    """
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    model = Path(config.model_name).name
    with wandb.init(
        project=config.wandb,
        name=f"{model}-{datetime.now():%Y%m%d-%H%M%S}",
        config=config.model_dump(mode="json", exclude={"input", "output", "storage"}),
        dir=str(output),
        mode=mode,
        settings=wandb.Settings(console="off", silent=True),
    ) as run:
        for row in read_jsonl(output / "metrics.jsonl"):
            run.log(
                {name: value for name, value in row.items() if name != "epoch"}, step=row["epoch"]
            )
        summary = read_json(output / "training.json")
        run.summary.update({name: summary[name] for name in summary if name != "run"})
        for part, kind in (("model", "model"), ("tokenizer", "tokenizer")):
            artefact = wandb.Artifact(f"{model}-{part}", type=kind)
            artefact.add_dir(str(output / part))
            run.log_artifact(artefact)
