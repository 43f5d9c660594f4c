"""`thce bench coder-train`: the coder's training under Ray against plain TRL."""

import json
import multiprocessing
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import Field

from thce.bench.machine import usable_cores
from thce.bench.result import BenchResult, at_least
from thce.config import Config
from thce.files import read_jsonl, write_json
from thce.paths import home, resolve

LEAST = 0.95
EPOCHS = 2
"""The first warms up, the second is timed."""


class CoderTrainBenchConfig(Config):
    """What is trained.

    Attributes:
        data: rows of stage 1 or 2: a Parquet or JSONL file, or a folder of them.
        base: base weights: a name that `thce weights list` shows, a folder, or a hub's name.
        micro_batch_size: examples of a forward pass.
        accumulation: forward passes of a step.
        repetitions: runs of each side.
    """

    data: str
    base: str = "smollm2"
    micro_batch_size: int = Field(4, ge=1)
    accumulation: int = Field(2, ge=1)
    repetitions: int = Field(1, ge=1)


def run(config: CoderTrainBenchConfig) -> BenchResult:
    """Trains two epochs on both sides in turn, and compares the second one's tokens per second.

    Raises:
        InputError: the data or the base weights are not there.
    """
    from thce.engine import start_ray

    cores = usable_cores()
    with TemporaryDirectory(prefix="thce-bench-") as name:
        folder = Path(name)
        settings = _settings(config, folder)
        start_ray(cpus=cores, worker_logs=False)
        ours: list[float] = []
        rival: list[float] = []
        for repetition in range(config.repetitions):
            sides = [
                lambda: ours.append(_under_ray(settings, folder)),
                lambda: rival.append(_in_a_process(settings, cores, folder)),
            ]
            for side in sides if repetition % 2 == 0 else reversed(sides):
                side()
    return BenchResult(
        name="coder-train",
        comparisons=(
            at_least(
                "tokens per second under Ray",
                f"an epoch of {config.base} on {config.data}, micro-batches of "
                f"{config.micro_batch_size}, {config.accumulation} a step, loss on the answer "
                "only; ours: one Ray Train worker, batches of similar length; rival: TRL's "
                "SFTTrainer in a plain process with its own batches; real tokens over the second "
                "epoch's time",
                "tokens per second",
                median(ours),
                median(rival),
                LEAST,
            ),
        ),
        repetitions=config.repetitions,
        notes=settings["examples"],
        cores=cores,
        details={"ours": ours, "rival": rival},
    )


def _settings(config: CoderTrainBenchConfig, folder: Path) -> dict[str, Any]:
    """What a training worker is given; the rival takes sizes and rates from it."""
    from thce.coder.train import resolved_settings
    from thce.coder.train_config import TrainConfig
    from thce.coder.training_rows import read_rows

    examples = len(read_rows(resolve(config.data), 1))
    batch = config.micro_batch_size * config.accumulation
    steps = -(-examples // batch)
    given = TrainConfig(
        stage=1,
        data=config.data,
        output=str(folder / "unused"),
        model_name=config.base,
        epochs=EPOCHS,
        batch_size=batch,
        micro_batch_size=config.micro_batch_size,
        gradient_checkpointing=False,
        checkpoint_every=0,
        log_every=steps,
    )
    return resolved_settings(given) | {
        "home": str(home()),
        "run": "bench",
        "examples": examples,
        "accumulation": config.accumulation,
    }


def _under_ray(settings: dict[str, Any], folder: Path) -> float:
    """Tokens per second of the second epoch under Ray Train."""
    from thce.coder.train import train_worker
    from thce.training.ray_train import Scaling, fit

    storage = folder / f"ray-{time.monotonic_ns()}"
    storage.mkdir()
    checkpoint = fit(train_worker, settings, Scaling(max_failures=0), "run", str(storage))
    with checkpoint.as_directory() as product:
        return float(read_jsonl(Path(product) / "final" / "metrics.jsonl")[-1]["tokens_per_second"])


def _in_a_process(settings: dict[str, Any], threads: int, folder: Path) -> float:
    """Tokens per second of the second epoch in a plain process.

    Raises:
        RuntimeError: the process failed.
    """
    target = folder / "plain.json"
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_plain_trl, args=(settings, threads, folder, target))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("the plain training failed; its traceback is above")
    return float(json.loads(target.read_text(encoding="utf-8")))


def _plain_trl(settings: dict[str, Any], threads: int, folder: Path, target: Path) -> None:
    """SFTTrainer as its documentation has it: rows in, its own tokens and batches."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from thce.coder.base_model import load_model, load_tokenizer
    from thce.coder.training_rows import read_rows
    from thce.training.precision import resolve_precision
    from thce.training.ray_train import quiet_worker

    class Clock(TrainerCallback):
        seconds = 0.0

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if args.device.type == "cuda":
                torch.cuda.synchronize()
            self.seconds = time.perf_counter() - self.began

    quiet_worker()
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = [row["messages"] for row in read_rows(settings["data"], 1)]
    pairs = [{"prompt": messages[:-1], "completion": messages[-1:]} for messages in rows]
    clock = Clock()
    trainer = SFTTrainer(
        model=load_model(settings["model_folder"]),
        processing_class=load_tokenizer(settings["tokenizer_folder"]),
        train_dataset=Dataset.from_list(pairs),
        callbacks=[clock],
        args=SFTConfig(
            output_dir=str(folder / "plain"),
            per_device_train_batch_size=settings["micro_batch_size"],
            gradient_accumulation_steps=settings["accumulation"],
            num_train_epochs=EPOCHS,
            learning_rate=settings["learning_rate"],
            max_length=settings["max_tokens"],
            bf16=resolve_precision(settings["precision"], device) == "bf16",
            use_cpu=device.type == "cpu",
            gradient_checkpointing=False,
            optim="adamw_torch_fused",
            logging_steps=settings["log_every"],
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
    )
    tokens = sum(map(len, trainer.train_dataset["input_ids"]))
    torch.set_flush_denormal(True)
    trainer.train()
    write_json(target, tokens / clock.seconds)
