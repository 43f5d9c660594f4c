"""abstention.json: which flags of a bundle may be accepted without a person, and from where on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from thce.config import Config
from thce.errors import InputError
from thce.evaluation.fixed_sequence import Claim, Cutoff
from thce.files import read_json, write_json
from thce.registry.labels import FLAG_NAMES, Flag

SCHEMA_VERSION = 1
Basis = Literal["own", "pooled", "unseen"]


@dataclass(frozen=True)
class FlagCutoff:
    """From where on a flag may be accepted without a person.

    Attributes:
        cutoff: log-odds of the joint decision; None where a person always looks.
        basis: own (tested on this flag's decisions), pooled (on those of all flags with too few
            of their own) or unseen (the bundle accepted it in no labelled note).
        decisions: this flag's accepted cells with a known label.
        right: how many of them are true.
    """

    cutoff: float | None
    basis: Basis
    decisions: int
    right: int


@dataclass(frozen=True)
class Abstention:
    """What a bundle may accept without a person.

    Attributes:
        bundle: version of the bundle.
        weights: the weights that were tested.
        claim: the precision and its confidence.
        pooled: the test over the flags with too few decisions of their own; None without any.
        own: the tests of the others.
        flags: every flag.
    """

    bundle: str
    weights: str
    claim: Claim
    pooled: Cutoff | None
    own: Mapping[Flag, Cutoff]
    flags: Mapping[Flag, FlagCutoff]

    @property
    def cutoffs(self) -> NDArray[np.float64]:
        """(29,) log-odds in label order; infinity where a person always looks."""
        found = (self.flags[flag].cutoff for flag in Flag)
        return np.array([np.inf if cutoff is None else cutoff for cutoff in found])

    def automatic(
        self, accept: NDArray[np.bool_], certainty: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """(n, 29) accepted flags that need no person.

        Args:
            accept: (n, 29) the bundle's joint decision.
            certainty: (n, 29) of `Fusion.certainty`.
        """
        return accept & (certainty >= self.cutoffs)

    def to_dict(self) -> dict[str, Any]:
        """What abstention.json holds."""
        content = _File(
            schema_version=SCHEMA_VERSION,
            bundle=self.bundle,
            weights=self.weights,
            precision=self.claim.precision,
            confidence=self.claim.confidence,
            pooled=None if self.pooled is None else _Test(**asdict(self.pooled)),
            own={flag.value: _Test(**asdict(test)) for flag, test in self.own.items()},
            flags={flag.value: _Flag(**asdict(one)) for flag, one in self.flags.items()},
        )
        return content.model_dump(mode="json")

    def save(self, path: str | Path) -> None:
        """Writes abstention.json atomically."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path, bundle: str, weights: str) -> "Abstention":
        """Reads abstention.json for the bundle that is about to score.

        Raises:
            InputError: the file is absent or damaged, a flag is missing, or another bundle or
                other weights were tested.
        """
        try:
            content = _File.model_validate(read_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(step) for step in first["loc"]) or "content"
            raise InputError(
                f"{path}: {field}: {first['msg'].lower()}; run `thce registry abstain` again"
            ) from None
        if set(content.flags) != set(FLAG_NAMES) or not set(content.own) <= set(FLAG_NAMES):
            raise InputError(
                f"{path}: flags: not the registry's; run `thce registry abstain` again"
            )
        if (content.bundle, content.weights) != (bundle, weights):
            raise InputError(
                f"{path}: for bundle {content.bundle} ({content.weights}), not for {bundle} "
                f"({weights}); run `thce registry abstain` on this one"
            )
        return cls(
            bundle=bundle,
            weights=weights,
            claim=Claim(content.precision, content.confidence),
            pooled=None if content.pooled is None else content.pooled.cutoff(),
            own={Flag(name): test.cutoff() for name, test in content.own.items()},
            flags={flag: FlagCutoff(**content.flags[flag.value].model_dump()) for flag in Flag},
        )


class _Test(Config):
    score: float | None = Field(ge=0)
    decisions: int = Field(ge=0)
    right: int = Field(ge=0)
    lower_bound: float = Field(ge=0, le=1)

    def cutoff(self) -> Cutoff:
        return Cutoff(**self.model_dump())


class _Flag(Config):
    cutoff: float | None = Field(ge=0)
    basis: Basis
    decisions: int = Field(ge=0)
    right: int = Field(ge=0)


class _File(Config):
    schema_version: Literal[1]
    bundle: str
    weights: str
    precision: float = Field(gt=0, lt=1)
    confidence: float = Field(gt=0, lt=1)
    pooled: _Test | None
    own: dict[str, _Test]
    flags: dict[str, _Flag]
