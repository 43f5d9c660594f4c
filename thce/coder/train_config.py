"""The configuration of the coder's training: the fields of configs/coder/stage_{1,2,3}.yaml."""

from typing import Literal

from pydantic import Field

from thce.config import Config
from thce.training.precision import Precision
from thce.training.ray_train import Scaling


class Lora(Config):
    """Adapters instead of full fine-tuning; they are merged into the weights at the end.

    Attributes:
        rank: of the two factors beside every linear layer but the output projection.
        alpha: scale, divided by the rank.
        dropout: of the adapters' input.
    """

    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)


class TrainConfig(Config):
    """One stage of training.

    Attributes:
        stage: 1 (narrative to code), 2 (with reasoning) or 3 (preferences).
        data: a Parquet or JSONL file of the stage, or a folder of them.
        output: local folder for model, tokenizer and metrics.
        model_name: a registry package (smollm2), a folder, or a hub's name.
        init_from: output or bundle of the stage before, to go on from; overrules model_name.
        epochs: passes over the data.
        max_steps: end after so many steps, whatever `epochs` says.
        batch_size: examples per optimizer step, over all workers.
        micro_batch_size: examples per forward pass of one worker.
        learning_rate: peak rate; it falls along a cosine.
        warmup: share of the steps with a rising rate.
        weight_decay: of matrices; biases and norms have none.
        neftune: scale of the noise on embeddings (Jain et al. 2023); 0 has none.
        clip: largest gradient norm.
        max_tokens: the window; what lies beyond it is cut off.
        beta: of stage 3, how much a difference from the starting model counts.
        lora: adapters; None trains all weights.
        precision: auto, fp32 or bf16.
        gradient_checkpointing: computes activations twice to save memory.
        compile_layers: compiles the decoder's layers; auto does so on a GPU.
        strategy: ddp (plain with one worker) or the path of a DeepSpeed JSON file.
        seed: of order, noise and adapters.
        log_every: steps between lines of the metrics.
        checkpoint_every: steps between resumable checkpoints; 0 keeps only the end.
        loader_workers: processes per worker that make batches ahead.
        wandb: project of Weights & Biases; None reports to nobody.
        hub: repository of a model hub to push the product to; None pushes nowhere.
        storage: where Ray Train keeps checkpoints; by default under THCE_HOME.
        resume: go on with an interrupted run of the same configuration and data, and take a
            finished one as it is; False starts over.
        dry_run: check configuration, data, memory and one step, and write nothing.
        scaling: workers, threads, GPUs, restarts.
    """

    stage: Literal[1, 2, 3]
    data: str
    output: str
    model_name: str = "smollm2"
    init_from: str | None = None
    epochs: int = Field(1, ge=1)
    max_steps: int | None = Field(None, ge=1)
    batch_size: int = Field(128, ge=1)
    micro_batch_size: int = Field(32, ge=1)
    learning_rate: float = Field(3e-4, gt=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    neftune: float = Field(0.0, ge=0)
    clip: float = Field(1.0, gt=0)
    max_tokens: int = Field(4096, ge=16)
    beta: float = Field(0.1, gt=0)
    lora: Lora | None = None
    precision: Precision = "auto"
    gradient_checkpointing: bool = True
    compile_layers: bool | Literal["auto"] = "auto"
    strategy: str = "ddp"
    seed: int = 42
    log_every: int = Field(10, ge=1)
    checkpoint_every: int = Field(200, ge=0)
    loader_workers: int = Field(0, ge=0)
    wandb: str | None = None
    hub: str | None = None
    storage: str | None = None
    resume: bool = True
    dry_run: bool = False
    scaling: Scaling = Scaling()
