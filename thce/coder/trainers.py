"""TRL's trainers, with the platform's order of training, its figures and its checkpoints."""

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from trl import DPOTrainer, SFTTrainer

from thce.coder.answer_columns import AnswerColumns
from thce.coder.batch_order import Example, PlannedBatches, planned_loader
from thce.coder.train_meter import Meter
from thce.progress import say


class _Planned:
    """What both trainers have in common; mixed in before TRL's class."""

    batches: PlannedBatches
    examples: list[Example]
    meter: Meter
    share: float

    def take_over(self, batches: PlannedBatches, examples: list[Example], meter: Meter) -> None:
        """Gives the trainer the order, the examples and the meter; before `train`."""
        self.batches, self.examples, self.meter = batches, examples, meter

    def get_train_dataloader(self: Any) -> Any:
        """This worker's micro-batches in the plan's order."""
        return planned_loader(
            self.batches,
            self.examples,
            self.data_collator,
            self.args.dataloader_num_workers,
            self.args.device.type == "cuda",
        )

    def training_step(self: Any, model: Any, inputs: dict[str, Any], *rest: Any) -> Any:
        """Counts the micro-batch, then trains on it."""
        tally = inputs.pop("tally")
        self.meter.add(tally)
        self.share = tally.share
        averaged = self._metrics["train"]
        before = {name: len(values) for name, values in averaged.items()}
        loss = super().training_step(model, inputs, *rest)  # type: ignore[misc]
        if not tally.examples:  # a filler's accuracy and margins are no one's
            for name, values in averaged.items():
                del values[before.get(name, 0) :]
        return loss

    def log(self: Any, logs: dict[str, float], *rest: Any) -> None:
        """Adds the meter's figures to the lines of training."""
        if "loss" in logs:
            logs.update(self.meter.take(self.accelerator))
        super().log(logs, *rest)  # type: ignore[misc]

    def floating_point_ops(self, inputs: Any) -> int:
        """The meter counts instead."""
        return 0


class CoderSFTTrainer(_Planned, SFTTrainer):
    """Stages 1 and 2: the mean over all answer tokens of a step, whoever computed them."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As TRL's."""
        super().__init__(*arguments, **named)
        base = self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model
        self.columns = AnswerColumns(base.base_model)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
        """TRL's loss; on a CPU the vocabulary is scored only from where answers begin."""
        if self.args.device.type == "cpu":
            inputs = {**inputs, "labels": self.columns.shortened(inputs["labels"])}
        return super().compute_loss(model, inputs, *rest, **named)


class CoderDPOTrainer(_Planned, DPOTrainer):
    """Stage 3: the mean over all pairs of a step, whoever computed them."""

    def _prepare_dataset(self, dataset: Any, *others: Any) -> Any:
        """Examples come encoded."""
        return dataset

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        """TRL's mean of a micro-batch, weighed by what it is of the step."""
        loss = super().compute_loss(*arguments, **named)
        if isinstance(loss, tuple):
            return loss[0] * self.share, *loss[1:]
        return loss * self.share


class ReportCheckpoints(TrainerCallback):
    """Hands every checkpoint that the trainer saved to the reporter, which seals and keeps it."""

    def __init__(self, reporter: Any, meter: Meter) -> None:
        """Takes the reporter of this worker."""
        self.reporter = reporter
        self.meter = meter

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Moves this worker's files of the checkpoint into the reporter's folder."""
        saved = Path(args.output_dir) / f"checkpoint-{state.global_step}"

        def save(folder: Path) -> None:
            shutil.move(saved, folder / "checkpoint")

        lines = [line for line in state.log_history if "loss" in line]
        self.reporter.report({"epoch": state.epoch, **(lines[-1] if lines else {})}, save)
        self.meter.restart()


class ShowProgress(TrainerCallback):
    """One line on standard error for each line of the metrics."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        """Called by the trainer on every worker; the first one speaks."""
        if state.is_world_process_zero and logs and "loss" in logs:
            shown = ("loss", "mean_token_accuracy", "rewards/margins", "learning_rate", "mfu")
            said = ", ".join(f"{name} {float(logs[name]):.4g}" for name in shown if name in logs)
            speed = f"{logs['tokens_per_second']:.0f} tokens/s"
            say("train", f"step {state.global_step} of {state.max_steps}: {said}, {speed}")
