"""Writes what training produces: a plain model, its tokenizer, the metrics and a summary."""

from pathlib import Path
from typing import Any

from torch import Tensor

from thce.coder.base_model import load_model
from thce.coder.train_parts import Parts, Settings
from thce.files import write_json, write_jsonl


def write_product(
    folder: Path, settings: Settings, parts: Parts, weights: dict[str, Tensor]
) -> None:
    """Writes model/, tokenizer/, metrics.jsonl and training.json.

    Args:
        folder: a new folder.
        settings: of the worker.
        parts: the worker's parts after training.
        weights: the full weights; with LoRA those of base and adapters.
    """
    folder.mkdir(parents=True)
    _plain_model(settings, parts.trainer, weights).save_pretrained(folder / "model")
    parts.tokenizer.save_pretrained(folder / "tokenizer")
    lines = [line for line in parts.trainer.state.log_history if "loss" in line]
    write_jsonl(folder / "metrics.jsonl", lines)
    last = {name: value for name, value in lines[-1].items() if name not in ("epoch", "step")}
    write_json(
        folder / "training.json",
        {
            "stage": settings["stage"],
            "steps": parts.trainer.state.global_step,
            "precision": parts.precision,
            "lengths": parts.fitted.report(),
            "last": last,
            "peak_tflops": round((parts.trainer.meter.peak or 0.0) / 1e12, 3),
            "data_fingerprint": settings["data_fingerprint"],
            "run": settings["run"],
        },
    )


def _plain_model(settings: Settings, trainer: Any, weights: dict[str, Tensor]) -> Any:
    """The trained weights in a model that no strategy has wrapped; adapters merged."""
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    # Under ZeRO-3 a model is shared out as it is loaded, and would wait for workers not here.
    unset_hf_deepspeed_config()
    model = load_model(settings["model_folder"])
    held = {name: value.detach().float().cpu() for name, value in weights.items()}
    if settings["lora"] is None:
        if model.config.tie_word_embeddings:  # ZeRO-3 gathers a matrix with two names once
            held.setdefault("lm_head.weight", held["model.embed_tokens.weight"])
        model.load_state_dict(held)
        return model
    from peft import get_peft_model

    adapted = get_peft_model(model, trainer.model.peft_config["default"])
    adapted.load_state_dict(held)
    return adapted.merge_and_unload()
