"""From candidates to probabilities: a conditional logit over a narrative's candidates.

score = weights . features; P(concept) = softmax over the candidates (McFadden 1974). The weights
are few and are pulled towards plain starting values, so that some dozens of narratives are enough
to fit them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from thce.coder.candidates import FEATURES
from thce.errors import InputError
from thce.evaluation.softmax import softmax

# Where fitting starts from and is pulled to: words and vectors alike, what is out of place last.
START: Mapping[str, float] = {
    "words_whole": 8.0,
    "words_segment": 4.0,
    "vectors_whole": 8.0,
    "vectors_segment": 6.0,
    "assessed": 0.5,
    "unspecified": 0.0,
    "other": -0.5,
    "pregnancy": -3.0,
    "newborn": -3.0,
    "external_cause": -3.0,
    "status": -2.0,
    "common": 1.0,
    "findings": 2.0,
}
PULL = 0.05  # of the starting values, per squared distance in units of SCALES
SCALES = {"words_whole": 4.0, "words_segment": 4.0, "vectors_whole": 4.0, "vectors_segment": 4.0}


@dataclass(frozen=True)
class ConceptScores:
    """Fitted weights.

    Attributes:
        weights: (len(FEATURES),) in the order of FEATURES.
        fitted_on: on what, in words, for reports.
        vectors: whether candidates were searched by vectors too; other weights fit then.
    """

    weights: NDArray[np.float64]
    fitted_on: str
    vectors: bool

    def probabilities(
        self, features: NDArray[np.floating], further: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """(candidates,) adding up to 1.

        Args:
            features: (candidates, len(FEATURES)).
            further: (candidates,) added to the scores, such as a language model's part.
        """
        scores = features.astype(np.float64) @ self.weights
        return softmax(scores if further is None else scores + further)

    @staticmethod
    def load(with_vectors: bool, path: Path | None = None) -> "ConceptScores":
        """The shipped weights, or those of a file.

        Args:
            with_vectors: whether candidates are searched by vectors too.
            path: of a file that `thce coder fit-ranker` wrote.

        Raises:
            InputError: the file is not such weights, or its weights are for the other search.
        """
        name = "vectors" if with_vectors else "words"
        shipped = files("thce.coder").joinpath(f"data/ranker_{name}.yaml")
        where = str(path or shipped)
        try:
            text = (path or shipped).read_text(encoding="utf-8")
            values: dict[str, Any] = yaml.safe_load(text)
            weights = np.array([float(values["weights"][name]) for name in FEATURES])
            found = ConceptScores(weights, str(values["fitted_on"]), bool(values["vectors"]))
        except OSError as error:
            raise InputError(f"{where}: {error.strerror}") from None
        except (KeyError, TypeError, ValueError, yaml.YAMLError):
            raise InputError(
                f"{where}: give weights of {', '.join(FEATURES)}, fitted_on and vectors"
            ) from None
        if found.vectors is not with_vectors:
            raise InputError(
                f"{where}: weights fitted {'with' if found.vectors else 'without'} a retriever; "
                f"candidates are searched {'with' if with_vectors else 'without'} one"
            )
        return found

    def dump(self) -> str:
        """As YAML."""
        weights = {name: round(float(w), 4) for name, w in zip(FEATURES, self.weights, strict=True)}
        return yaml.safe_dump(
            {"fitted_on": self.fitted_on, "vectors": self.vectors, "weights": weights},
            sort_keys=False,
        )


def fit_concept_scores(
    narratives: Sequence[tuple[NDArray[np.floating], int]],
    fitted_on: str,
    vectors: bool,
    pull: float = PULL,
) -> ConceptScores:
    """Fits the weights to narratives whose concept is known.

    Args:
        narratives: (candidates, features) of each, and which candidate is right; a narrative
            whose concept is not among its candidates (-1) is passed over.
        fitted_on: says what they are.
        vectors: whether their candidates were searched by vectors too.
        pull: how hard the starting values hold, per narrative.
    """
    from scipy.optimize import minimize

    known = [(features.astype(np.float64), right) for features, right in narratives if right >= 0]
    start = np.array([START[name] for name in FEATURES])
    scales = np.array([SCALES.get(name, 1.0) for name in FEATURES])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        away = (weights - start) / scales
        total = pull * len(known) * float(away @ away) / 2
        slope = pull * len(known) * away / scales
        for features, right in known:
            shares = softmax(features @ weights)
            total -= float(np.log(max(shares[right], 1e-12)))
            slope -= features[right] - shares @ features
        return total, slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B")
    return ConceptScores(found.x, fitted_on, vectors)
