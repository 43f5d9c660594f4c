"""Builds what one training worker needs, and writes what training produces."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thce.files import write_json, write_jsonl
from thce.registry.dataset import Split, read_split
from thce.registry.encode import NoteEncoder
from thce.registry.labels import TRUE, UNKNOWN, Tier
from thce.registry.model import FlagClassifier
from thce.registry.objective import RegistryTask, pooled_f1, positive_weights
from thce.training import weights
from thce.training.batches import BatchPlan
from thce.training.loop import Progress, Schedule
from thce.training.precision import resolve_precision
from thce.training.replica import DeepSpeedReplica, PlainReplica, Replica, start_deepspeed


@dataclass
class Parts:
    """The parts of one worker's training."""

    model: FlagClassifier
    encoder: NoteEncoder
    task: RegistryTask
    replica: Replica
    plan: BatchPlan
    schedule: Schedule
    validation: Split
    run: str
    probabilities: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def load_best(self, best: dict[str, Tensor]) -> None:
        """Puts the best weights into a fresh plain model on this worker's device."""
        self.model = self.model.empty_copy()
        self.model.load_state_dict(best)
        self.model.to(self.task.device).eval()

    def score_validation(self) -> None:
        """Probabilities of the best weights on the validation notes; collective."""
        self.probabilities = self.task.probabilities(self.model, self.task.validation_tokens)

    def write_product(self, folder: Path, progress: Progress) -> None:
        """Writes model/, tokenizer/, metrics.jsonl, training.json and validation.npz."""
        folder.mkdir(parents=True)
        self.model.to("cpu").save(folder / "model")
        self.encoder.save(folder / "tokenizer")
        write_jsonl(folder / "metrics.jsonl", progress.history)
        micro, macro = pooled_f1(self.probabilities, self.validation.label)
        write_json(
            folder / "training.json",
            {
                "best_epoch": progress.best_epoch,
                "epochs": progress.epoch,
                "val_micro_f1": round(micro, 6),
                "val_macro_f1": round(macro, 6),
                "precision": self.task.precision,
                "run": self.run,
                "train_seconds": round(sum(row["train_seconds"] for row in progress.history), 1),
            },
        )
        np.savez(
            folder / "validation.npz",
            encounter_ids=np.asarray(self.validation.encounter_ids),
            label=self.validation.label,
            probabilities=self.probabilities,
        )


def build_parts(
    settings: dict[str, Any], rank: int, world_size: int, device: torch.device
) -> Parts:
    """Reads the dataset, tokenizes, builds the model and wraps it for the chosen strategy."""
    deepspeed = settings["strategy"] != "ddp"
    if deepspeed:
        start_deepspeed(device)
    torch.manual_seed(settings["seed"])
    train = _limit(read_split(settings["dataset"], "train"), settings["max_notes"])
    validation = read_split(settings["dataset"], "val")
    model, encoder = _model(settings)
    model.freeze(settings["freeze_layers"])
    tokens = encoder.encode(train.texts)
    precision = resolve_precision(settings["precision"], device)
    task = RegistryTask(
        encoder,
        (tokens, train.label, train.confidence),
        (encoder.encode(validation.texts), validation.label),
        positive_weights(train.label, train.confidence, settings["pos_weight_cap"]),
        device,
        precision,
        rank,
        world_size,
    )
    plan = BatchPlan(
        [len(ids) for ids in tokens],
        settings["batch_size"],
        settings["micro_batch_size"],
        settings["seed"],
    )
    groups, rates = parameter_groups(model, settings)
    schedule = Schedule(
        settings["epochs"],
        rates,
        settings["warmup"],
        settings["patience"],
        settings["checkpoint_every"],
    )
    replica: Replica
    if deepspeed:
        replica = DeepSpeedReplica(
            model,
            groups,
            settings["clip"],
            world_size,
            device,
            settings["strategy"],
            settings["micro_batch_size"],
            plan.micro_batches(world_size),
        )
    else:
        replica = PlainReplica(model, groups, settings["clip"], world_size, device)
    return Parts(model, encoder, task, replica, plan, schedule, validation, settings["run"])


def parameter_groups(
    model: nn.Module, settings: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[float]]:
    """AdamW groups and their peak rates: encoder and head, with and without weight decay."""
    groups: list[dict[str, Any]] = []
    rates: list[float] = []
    for in_head, rate in ((False, "learning_rate"), (True, "head_learning_rate")):
        for decayed in (True, False):
            chosen = [
                value
                for name, value in model.named_parameters()
                if value.requires_grad
                and name.startswith("head.") == in_head
                and (value.ndim > 1) == decayed
            ]
            if chosen:
                decay = settings["weight_decay"] if decayed else 0.0
                groups.append({"params": chosen, "weight_decay": decay})
                rates.append(settings[rate])
    return groups, rates


def _limit(split: Split, most: int | None) -> Split:
    """The notes that teach most: labelled by people, then with a true flag, then with any label.

    Notes without a single known cell are left out: they carry no gradient.
    """
    known = (split.label != UNKNOWN).any(1)
    rank = np.where(
        (split.tier == Tier.HUMAN).any(1), 0, np.where((split.label == TRUE).any(1), 1, 2)
    )
    shuffled = [sha256(name.encode()).hexdigest() for name in split.encounter_ids]
    order = sorted(np.flatnonzero(known), key=lambda row: (rank[row], shuffled[row]))
    rows = sorted(order[:most])
    return Split(
        encounter_ids=[split.encounter_ids[row] for row in rows],
        texts=[split.texts[row] for row in rows],
        groups=[split.groups[row] for row in rows],
        label=split.label[rows],
        tier=split.tier[rows],
        confidence=split.confidence[rows],
    )


def _model(settings: dict[str, Any]) -> tuple[FlagClassifier, NoteEncoder]:
    if settings["init_from"] is not None:
        start = Path(settings["init_from"])
        encoder = NoteEncoder.load(
            start / "tokenizer", settings["head_tokens"], settings["tail_tokens"]
        )
        model = FlagClassifier.load(start / "model")
        return model, encoder
    from transformers import AutoTokenizer

    source = weights.resolve(settings["model_name"])
    tokenizer = AutoTokenizer.from_pretrained(source)
    encoder = NoteEncoder(tokenizer, settings["head_tokens"], settings["tail_tokens"])
    model = FlagClassifier.from_base(source, tokenizer, settings["head"], settings["dropout"])
    return model, encoder
