"""`thce coder fit-ranker`: fits the ranker's weights to coded narratives, and says how well.

The figures are leave-one-out: every narrative is ranked by weights that did not see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.coder.candidates import Candidate
from thce.coder.coded_rows import Narrative, read_narratives
from thce.coder.concept_scores import PULL, ConceptScores, fit_concept_scores
from thce.coder.cues import read_cues
from thce.coder.labelled import chosen_rows
from thce.coder.rank import Ranker, load_rankers
from thce.codes.code_types import CodeType
from thce.config import Config
from thce.errors import InputError
from thce.evaluation.calibration import measure
from thce.evaluation.multilabel import nan_to_none
from thce.files import write_text
from thce.paths import resolve

MISSED = 10**6  # the place of a code that is not ranked


class FitRankerConfig(Config):
    """What to fit on.

    Attributes:
        input: JSONL of narratives with one right code each.
        output: YAML to write.
        retriever: folder of the encoder, `minilm`, or None for words alone.
        exclude_ids: file with one id a line; these rows are never looked at.
        said: what the narratives are, for the file.
        pull: of the starting weights.
    """

    input: str
    output: str
    retriever: str | None = None
    exclude_ids: str | None = None
    said: str
    pull: float = PULL


@dataclass(frozen=True)
class Known:
    """A narrative with its candidates.

    Attributes:
        narrative: the text and its code.
        candidates: in the order of their numbers.
        features: (candidates, features).
        right: place of the right candidate, -1 where it is none of them.
    """

    narrative: Narrative
    candidates: Sequence[Candidate]
    features: NDArray[np.float32]
    right: int


def run(config: FitRankerConfig) -> dict[str, Any]:
    """Fits, writes the weights, and reports leave-one-out figures."""
    from thce.training.weights import resolve as resolve_weights

    narratives = _rows(config)
    kinds = sorted({kind for one in narratives for kind, _ in one.gold or ()})
    retriever = resolve_weights(config.retriever) if config.retriever else None
    rankers = load_rankers(kinds, retriever)
    known = [_known(rankers[(one.gold or ())[0][0]], one) for one in narratives]
    fitted = _fit(known, config)
    write_text(resolve(config.output), fitted.dump())
    return {
        "output": resolve(config.output),
        "narratives": len(known),
        "among_candidates": sum(one.right >= 0 for one in known),
        **_left_out(known, rankers, config),
    }


def _rows(config: FitRankerConfig) -> list[Narrative]:
    narratives = read_narratives(config.input)
    if config.exclude_ids is not None:
        excluded = {one.id for one in chosen_rows(narratives, config.exclude_ids)}
        narratives = [one for one in narratives if one.id not in excluded]
    if any(len(one.gold or ()) != 1 for one in narratives):
        raise InputError(f"{config.input}: to fit on, every row needs one right code")
    return narratives


def _known(ranker: Ranker, narrative: Narrative) -> Known:
    candidates = ranker.candidates(narrative.text)
    _, code = (narrative.gold or ())[0]
    row = ranker.index.catalogue.row(code)
    places = [
        place
        for place, one in enumerate(candidates)
        if row in ranker.index.concepts[one.number].rows
    ]
    features = np.array([one.features for one in candidates])
    return Known(narrative, candidates, features, places[0] if places else -1)


def _fit(known: Sequence[Known], config: FitRankerConfig) -> ConceptScores:
    seen = [(one.features, one.right) for one in known]
    return fit_concept_scores(seen, config.said, config.retriever is not None, config.pull)


def _left_out(
    known: Sequence[Known], rankers: Mapping[CodeType, Ranker], config: FitRankerConfig
) -> dict[str, Any]:
    """Top-k by code type and calibration of the first code, by weights that did not see it."""
    places: dict[CodeType, list[int]] = {}
    first, right = [], []
    for number, one in enumerate(known):
        scores = _fit([*known[:number], *known[number + 1 :]], config)
        kind, code = (one.narrative.gold or ())[0]
        shares = scores.probabilities(one.features) if len(one.candidates) else np.zeros(0)
        ranked = rankers[kind].codes_of(one.candidates, shares, read_cues(one.narrative.text))
        codes = [scored.code for scored in ranked]
        places.setdefault(kind, []).append(codes.index(code) if code in codes else MISSED)
        first.append(ranked[0].score if ranked else 0.0)
        right.append(codes[:1] == [code])
    by_type = {
        str(kind): {
            "rows": len(some),
            **{f"top_{k}": round(sum(place < k for place in some) / len(some), 4) for k in (1, 5)},
        }
        for kind, some in places.items()
    }
    measured = measure(np.array(first)[:, None], np.array(right, np.int8)[:, None])
    return {"left_out": by_type, "calibration": nan_to_none(asdict(measured))}
