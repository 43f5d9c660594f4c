"""A training tried out: its configuration, data, tokens, memory and one step, nothing written."""

import tempfile
from pathlib import Path
from typing import Any

from thce.training.deepspeed_output import deepspeed_to_stderr


def dry_run(settings: dict[str, Any]) -> dict[str, Any]:
    """Takes one step in this process, without Ray and without DeepSpeed.

    Args:
        settings: what `thce.coder.train.resolved_settings` gives.

    Returns:
        Lengths and truncation, steps of the whole training, the first loss, memory and time.

    Raises:
        InputError: data or model are not what the configuration needs.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    deepspeed_to_stderr(device.type)
    from thce.coder.train_parts import build_parts
    from thce.training.ray_train import quiet_worker
    from thce.training.reporters import LocalReporter

    quiet_worker()
    torch.set_num_threads(int(settings["threads"]))
    once = {"max_steps": 1, "checkpoint_every": 0, "log_every": 1, "strategy": "ddp", "wandb": None}
    with tempfile.TemporaryDirectory(prefix="thce-dry-run-") as scratch:
        parts = build_parts(
            settings | once, LocalReporter(Path(scratch)), device, Path(scratch) / "trainer"
        )
        parts.trainer.meter.restart()
        parts.trainer.train()
    first = next(line for line in parts.trainer.state.log_history if "loss" in line)
    steps = settings["max_steps"] or settings["epochs"] * parts.plan.steps_per_epoch
    return {
        "dry_run": True,
        "stage": settings["stage"],
        "device": str(device),
        "precision": parts.precision,
        "parameters": parts.trainer.model.num_parameters(),
        "trainable": parts.trainer.model.num_parameters(only_trainable=True),
        "lengths": parts.fitted.report(),
        "steps": steps,
        "examples_per_step": parts.plan.global_batch,
        "first_loss": first["loss"],
        "gradient_norm": first["grad_norm"],
        "memory_gib": first["memory_gib"],
        "seconds_of_a_step": first["seconds"],
        "tokens_per_second": first["tokens_per_second"],
    }
