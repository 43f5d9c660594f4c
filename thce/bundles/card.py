"""The model card: what a bundle is for, measured how, on what, and where it ends."""

from dataclasses import asdict, dataclass
from importlib.resources import files

from thce.bundles.manifest import BaseWeights, Metric


@dataclass(frozen=True)
class LabelRow:
    """One label's line in the card; threshold and F1 are None where the model abstains."""

    name: str
    title: str
    threshold: float | None
    val_f1: float | None
    positives: int
    method: str


@dataclass(frozen=True)
class WeightsRow:
    """One set of weights: its size and how it compares with the set above it."""

    name: str
    file: str
    megabytes: float
    default: bool
    parity: str


@dataclass(frozen=True)
class ModelCard:
    """The content of a card; README.md of the bundle is made of nothing else."""

    title: str
    intended_use: str
    not_for: tuple[str, ...]
    data: tuple[str, ...]
    base: BaseWeights | None
    metrics: dict[str, Metric]
    labels: tuple[LabelRow, ...]
    weights: tuple[WeightsRow, ...]
    limits: tuple[str, ...]

    def render(self) -> str:
        """The card as Markdown."""
        from jinja2 import Environment, StrictUndefined

        environment = Environment(
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        template = files("thce.bundles").joinpath("templates/model_card.md.j2")
        content = asdict(self) | {"base": self.base, "metrics": self.metrics}
        return environment.from_string(template.read_text(encoding="utf-8")).render(content)
