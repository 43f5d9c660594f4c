"""How a language model's answers are generated, and how long they may be."""

import datetime

from pydantic import Field

from thce.coder.engine import Sampling
from thce.coder.grammar import Bounds
from thce.coder.writing import DESCRIPTION_TOKENS
from thce.config import Config

# Tokens of one code line, its description included, and of closing the reasoning in mid-word.
LINE_TOKENS = 24 + DESCRIPTION_TOKENS
CLOSING_TOKENS = 16


class Limits(Config):
    """How long answers may be, and how they are generated.

    Attributes:
        bounds: of the answer's length.
        reasoning_tokens: after so many the line is ended and the reasoning closed.
        time_limit: seconds of a batch after which the same is done; one code still follows, ten to
            twenty steps later.
        prompt_tokens: a longer narrative loses its end.
        batch_rows: narratives decoded together.
        batch_tokens: rows times their longest prompt; bounds memory (0.2 MB a token).
        sampling: how tokens are chosen; greedy by default.
        date: codes billable on that day; by default those of the catalogue's release.
    """

    bounds: Bounds = Bounds()
    reasoning_tokens: int = Field(default=192, ge=1, le=2000)
    time_limit: float = Field(default=60.0, gt=0)
    prompt_tokens: int = Field(default=2048, ge=64, le=7000)
    batch_rows: int = Field(default=8, ge=1, le=256)
    batch_tokens: int = Field(default=4096, ge=64)
    sampling: Sampling = Sampling()
    date: datetime.date | None = None

    @property
    def most_tokens(self) -> int:
        """Tokens of the longest answer."""
        return self.reasoning_tokens + CLOSING_TOKENS + self.bounds.codes * LINE_TOKENS


class GenerateConfig(Limits):
    """How a model of a stage answers.

    Attributes:
        stage: of the model: 1 answers at once, 2 and 3 reason first.
    """

    stage: int = Field(default=2, ge=1, le=3)
