"""Builds what one training worker needs from its settings."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from thce.coder.attention import register_right_padded
from thce.coder.base_model import load_model, load_tokenizer
from thce.coder.batch_order import EpochOrder, PlannedBatches, sequences
from thce.coder.encode import ChatEncoder
from thce.coder.fitted import Fitted, columns, fit_pairs, fit_sft
from thce.coder.flops import ModelSize, matmul_peak
from thce.coder.train_meter import Meter
from thce.coder.training_rows import read_rows
from thce.errors import InputError
from thce.files import read_json
from thce.training.batches import BatchPlan
from thce.training.precision import resolve_precision
from thce.training.replica import start_deepspeed

Settings = dict[str, Any]


@dataclass
class Parts:
    """The parts of one worker's training."""

    trainer: Any
    tokenizer: Any
    fitted: Fitted
    precision: str
    plan: BatchPlan


def build_parts(settings: Settings, reporter: Any, device: torch.device, scratch: Path) -> Parts:
    """Reads and encodes the data, loads the model and sets up TRL's trainer of the stage.

    Args:
        settings: `TrainConfig` as a dict, with `model_folder`, `tokenizer_folder` and `threads`.
        reporter: a Reporter; its rank and world size count.
        device: this worker's.
        scratch: an empty folder of this worker for the trainer's files.
    """
    from transformers import PrinterCallback

    if settings["strategy"] != "ddp":
        start_deepspeed(device)
    torch.manual_seed(settings["seed"])
    tokenizer = load_tokenizer(settings["tokenizer_folder"])
    fitted = fit(settings)
    precision = resolve_precision(settings["precision"], device)
    plan = BatchPlan(
        [max(sequences(example)) for example in fitted.examples],  # padding goes to the longest
        min(settings["batch_size"], len(fitted.examples)),
        settings["micro_batch_size"],
        settings["seed"],
    )
    batches = PlannedBatches(plan, reporter.rank, reporter.world_size)
    model = _model(settings, device)
    meter = Meter(
        ModelSize.of(model),
        matmul_peak(device, torch.bfloat16 if precision == "bf16" else torch.float32),
        device,
        reference=settings["stage"] == 3,
        adapters=settings["lora"] is not None,
    )
    trainer = _trainer(settings, model, tokenizer, fitted, plan, reporter, device, scratch)
    trainer.take_over(batches, fitted.examples, meter)
    trainer.add_callback(EpochOrder(batches))
    trainer.remove_callback(PrinterCallback)  # standard output is the report's
    return Parts(trainer, tokenizer, fitted, precision, plan)


def fit(settings: Settings) -> Fitted:
    """Encodes the data of the stage.

    Raises:
        InputError: no example has an answer within the window.
    """
    rows = read_rows(settings["data"], settings["stage"])
    fitting = fit_pairs if settings["stage"] == 3 else fit_sft
    encoder = ChatEncoder(Path(settings["tokenizer_folder"]))
    fitted = fitting(encoder, rows, settings["max_tokens"])
    if not fitted.examples:
        raise InputError(
            f"max_tokens: all {fitted.dropped} examples of {settings['data']} have their answer "
            f"beyond {settings['max_tokens']} tokens; raise it"
        )
    return fitted


def _model(settings: Settings, device: torch.device) -> Any:
    model = load_model(settings["model_folder"], attention=register_right_padded())
    chosen = settings["compile_layers"]
    if device.type == "cuda" if chosen == "auto" else chosen:
        for layer in model.model.layers:
            layer.compile(dynamic=True)
    return model


def _trainer(
    settings: Settings,
    model: Any,
    tokenizer: Any,
    fitted: Fitted,
    plan: BatchPlan,
    reporter: Any,
    device: torch.device,
    scratch: Path,
) -> Any:
    from datasets import Dataset
    from trl import DPOConfig, SFTConfig

    from thce.coder.trainers import CoderDPOTrainer, CoderSFTTrainer

    given = _arguments(settings, plan.micro_batches(reporter.world_size), device, scratch)
    # TRL looks at one example to learn the format; the order of training is the plan's.
    sample = Dataset.from_dict(columns(fitted.examples[:1]))
    common = {
        "model": model,
        "train_dataset": sample,
        "processing_class": tokenizer,
        "peft_config": _adapters(settings),
    }
    # transformers renames gradient checkpointing; both names work until its version 6.
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.*", category=FutureWarning)
    if settings["stage"] == 3:
        reference = None if settings["lora"] else _model(settings, device)
        arguments = DPOConfig(**given, loss_type=["apo_zero"], beta=settings["beta"])
        return CoderDPOTrainer(ref_model=reference, args=arguments, **common)
    skip = {"skip_prepare_dataset": True}
    return CoderSFTTrainer(args=SFTConfig(**given, dataset_kwargs=skip), **common)


def _arguments(
    settings: Settings, accumulation: int, device: torch.device, scratch: Path
) -> Settings:
    """What `SFTConfig` and `DPOConfig` share."""
    if settings["wandb"] is not None:
        os.environ["WANDB_PROJECT"] = settings["wandb"]
    bf16 = resolve_precision(settings["precision"], device) == "bf16"
    return {
        "output_dir": str(scratch),
        "per_device_train_batch_size": settings["micro_batch_size"],
        "gradient_accumulation_steps": accumulation,
        "num_train_epochs": settings["epochs"],
        "max_steps": settings["max_steps"] or -1,
        "learning_rate": settings["learning_rate"],
        "lr_scheduler_type": "cosine",
        "warmup_steps": settings["warmup"],
        "weight_decay": settings["weight_decay"],
        "max_grad_norm": settings["clip"],
        "neftune_noise_alpha": settings["neftune"] or None,
        "optim": "adamw_torch_fused",
        "bf16": bf16,
        "gradient_checkpointing": settings["gradient_checkpointing"],
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "max_length": None,
        "pad_to_multiple_of": 8 if device.type == "cuda" else None,
        "logging_steps": settings["log_every"],
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps" if settings["checkpoint_every"] else "no",
        "save_steps": settings["checkpoint_every"] or 1,
        "report_to": ["wandb"] if settings["wandb"] is not None else [],
        "dataloader_num_workers": settings["loader_workers"],
        "disable_tqdm": True,
        "ddp_find_unused_parameters": False,
        "use_cpu": device.type == "cpu",
        "seed": settings["seed"],
        "deepspeed": None if settings["strategy"] == "ddp" else _zero(settings["strategy"]),
    }


def _zero(strategy: str) -> dict[str, Any]:
    """A DeepSpeed file with the sizes that the trainer fills in."""
    given = dict(read_json(strategy))
    stages = dict(given.get("zero_optimization", {}))
    if stages.get("stage") == 3:
        stages["stage3_gather_16bit_weights_on_model_save"] = True
    return given | {
        "zero_optimization": stages,
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "bf16": {"enabled": "auto"},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
    }


def _adapters(settings: Settings) -> Any:
    if settings["lora"] is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=settings["lora"]["rank"],
        lora_alpha=settings["lora"]["alpha"],
        lora_dropout=settings["lora"]["dropout"],
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
