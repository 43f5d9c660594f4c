"""Builds what one training worker needs, and writes what training produces."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from thce.errors import InputError
from thce.files import read_json, write_json, write_jsonl
from thce.ner.corpus import fingerprint
from thce.ner.model import Tagger
from thce.ner.objective import TagTask
from thce.ner.predictor import TRANSITIONS_FILE
from thce.ner.splits import SplitConfig
from thce.ner.tags import TagSet
from thce.ner.training_data import TrainingData, prepare, tagged
from thce.ner.transitions import Transitions
from thce.ner.type_policy import TypePolicy
from thce.ner.windows import WindowEncoder
from thce.registry.splits import SPLITS, TRAIN, VAL
from thce.training import weights
from thce.training.batches import BatchPlan
from thce.training.loop import Progress, Schedule
from thce.training.precision import resolve_precision
from thce.training.replica import DeepSpeedReplica, PlainReplica, Replica, start_deepspeed

HEAD = "classifier"
"""How transformers names the layer over the encoder."""


@dataclass
class Parts:
    """The parts of one worker's training."""

    model: Tagger
    tokenizer: Any
    data: TrainingData
    task: TagTask
    replica: Replica
    plan: BatchPlan
    schedule: Schedule
    run: str

    def write_product(self, folder: Path, progress: Progress, best: dict[str, Tensor]) -> None:
        """Writes model/, tokenizer/, metrics.jsonl and training.json; tags, steps and splits."""
        folder.mkdir(parents=True)
        model = self.model.empty_copy()
        model.load_state_dict(best)
        model.save(folder / "model")
        self.tokenizer.save_pretrained(str(folder / "tokenizer"))
        write_json(folder / "tags.json", self.data.tags_file())
        write_json(folder / TRANSITIONS_FILE, self.task.transitions.to_dict())
        write_json(folder / "splits.json", self.data.splits_file())
        write_jsonl(folder / "metrics.jsonl", progress.history)
        best_row = progress.history[progress.best_epoch - 1]
        write_json(
            folder / "training.json",
            {
                "best_epoch": progress.best_epoch,
                "epochs": progress.epoch,
                "documents": {name: len(self.data.split(name)) for name in SPLITS},
                "windows": len(self.task.examples),
                "types": len(self.data.tags.types),
                "leaks": [str(leak) for leak in self.data.leaks],
                **{name: round(best_row[name], 6) for name in best_row if name.startswith("val_")},
                "precision": self.task.precision,
                "run": self.run,
                "data_fingerprint": fingerprint(self.data.documents),
                "train_seconds": round(sum(row["train_seconds"] for row in progress.history), 1),
            },
        )


def build_parts(
    settings: dict[str, Any], rank: int, world_size: int, device: torch.device
) -> Parts:
    """Reads the documents, cuts windows, builds the model and wraps it for the strategy."""
    deepspeed = settings["strategy"] != "ddp"
    if deepspeed:
        start_deepspeed(device)
    torch.manual_seed(settings["seed"])
    data = prepare(
        settings["input"],
        SplitConfig.model_validate(settings["split"]),
        TypePolicy.model_validate(settings["types"]),
    )
    model, tokenizer = _model(settings, data.tags)
    encoder = WindowEncoder(
        tokenizer.backend_tokenizer,
        int(tokenizer.pad_token_id),
        settings["max_tokens"],
        settings["stride"],
        tokenizer.mask_token_id,
    )
    if settings["masking"] > 0 and tokenizer.mask_token_id is None:
        raise InputError("masking: this encoder's tokenizer has no mask; set it to 0")
    train = tagged(data.split(TRAIN), encoder, data.tags)
    task = TagTask(
        encoder,
        train,
        tagged(data.split(VAL), encoder, data.tags),
        data.tags,
        Transitions.of(
            (one.tags for one in train), len(data.tags.tags), settings["transition_weight"]
        ),
        device,
        resolve_precision(settings["precision"], device),
        rank,
        world_size,
        settings["masking"],
    )
    plan = BatchPlan(
        task.lengths, settings["batch_size"], settings["micro_batch_size"], settings["seed"]
    )
    groups, rates = parameter_groups(model, settings)
    steps = settings["epochs"] * plan.steps_per_epoch
    schedule = Schedule(
        settings["epochs"],
        rates,
        min(settings["warmup_share"], settings["warmup_steps"] / steps),
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
        replica = PlainReplica(
            model, groups, settings["clip"], world_size, device, settings["average"]
        )
    return Parts(model, tokenizer, data, task, replica, plan, schedule, settings["run"])


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
                if (HEAD in name.split(".")) == in_head and (value.ndim > 1) == decayed
            ]
            if chosen:
                decay = settings["weight_decay"] if decayed else 0.0
                groups.append({"params": chosen, "weight_decay": decay})
                rates.append(settings[rate])
    return groups, rates


def _model(settings: dict[str, Any], tags: TagSet) -> tuple[Tagger, Any]:
    """Model and tokenizer, from base weights or from an earlier training."""
    from transformers import AutoTokenizer

    if settings["init_from"] is not None:
        start = Path(settings["init_from"])
        source, tokenizer_source = str(start / "model"), str(start / "tokenizer")
        same = read_json(start / "tags.json").get("tag2id") == tags.tag2id
    else:
        source = tokenizer_source = weights.resolve(settings["model_name"])
        same = False
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_source, use_fast=True)
    if not getattr(tokenizer, "is_fast", False):
        raise InputError(f"model_name: {source}: it has no fast tokenizer; take another encoder")
    model = Tagger.from_base(source, tags, settings["dropout"], keep_head=same)
    if settings["max_tokens"] > model.positions:
        raise InputError(
            f"max_tokens: {settings['max_tokens']}, but this encoder reads {model.positions}"
        )
    return model, tokenizer
