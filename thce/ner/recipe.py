"""How the tagger learns."""

from pydantic import Field

from thce.config import Config
from thce.ner.splits import SplitConfig
from thce.ner.type_policy import TypePolicy
from thce.training.precision import Precision
from thce.training.ray_train import Scaling


class Recipe(Config):
    """How the model learns, whatever it learns from.

    Attributes:
        model_name: a registry package (minilm, mpnet), a folder, or a hub's name.
        max_tokens: of a window, special tokens included.
        stride: tokens that neighbouring windows share; no text is cut off.
        epochs: the most epochs.
        batch_size: windows per optimizer step, over all workers.
        micro_batch_size: windows per forward pass of one worker; the rest is accumulated.
        learning_rate: peak rate of the encoder.
        head_learning_rate: peak rate of the layer over it.
        weight_decay: of matrices; biases and norms have none.
        warmup_steps: steps with a rising rate.
        warmup_share: the most that they may be of all steps: what counts in a short run.
        dropout: hidden dropout while training; attention has none.
        average: decay of the average of the weights over the steps, which is what is evaluated
            and kept; 0 keeps the last weights.
        masking: share of the tokens that are hidden from the model in training, anew every time.
        transition_weight: how much it counts, when a sequence of tags is chosen, which tag
            followed which in training; 0 heeds only what BIO forbids.
        clip: largest gradient norm.
        patience: epochs without a better strict F1 on validation before stopping; 0 never stops.
        checkpoint_every: epochs between resumable checkpoints; 0 keeps only the end.
        precision: auto, fp32 or bf16.
        strategy: ddp (plain with one worker) or the path of a DeepSpeed JSON file.
        seed: of shuffling, dropout and fresh weights.
        types: what is done with rare types.
        split: how documents are dealt to train, validation and test.
        scaling: workers, threads, GPUs, restarts.
    """

    model_name: str = "minilm"
    max_tokens: int = Field(256, ge=8)
    stride: int = Field(64, ge=0)
    epochs: int = Field(10, ge=1)
    batch_size: int = Field(16, ge=1)
    micro_batch_size: int = Field(8, ge=1)
    learning_rate: float = Field(5e-5, gt=0)
    head_learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup_steps: int = Field(500, ge=0)
    warmup_share: float = Field(0.1, ge=0, lt=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    average: float = Field(0.99, ge=0, lt=1)
    masking: float = Field(0.0, ge=0, lt=1)
    transition_weight: float = Field(0.5, ge=0)
    clip: float = Field(1.0, gt=0)
    patience: int = Field(3, ge=0)
    checkpoint_every: int = Field(1, ge=0)
    precision: Precision = "auto"
    strategy: str = "ddp"
    seed: int = 42
    types: TypePolicy = TypePolicy()
    split: SplitConfig = SplitConfig()
    scaling: Scaling = Scaling()


class TrainConfig(Recipe):
    """A recipe with what it is applied to.

    Attributes:
        input: a brat folder, or several.
        output: local folder for model, tokenizer, tags, splits and metrics.
        init_from: folder of an earlier training or bundle whose encoder is gone on with; the
            layer over it is kept where the tags are the same.
        storage: where Ray Train keeps checkpoints; by default under THCE_HOME.
        resume: go on with an interrupted run of the same configuration and data, and take a
            finished one as it is; False starts over.
        wandb: project of Weights & Biases; None reports to nobody.
    """

    input: str | list[str]
    output: str
    init_from: str | None = None
    storage: str | None = None
    resume: bool = True
    wandb: str | None = None
