"""The abstain step: what a bundle may accept without a person, at a stated precision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.evaluation.fixed_sequence import Claim, Cutoff, certified_cutoff
from thce.paths import is_remote, resolve
from thce.registry.abstention_file import Abstention, FlagCutoff
from thce.registry.gold import gold_cells
from thce.registry.labels import FLAG_NAMES, TRUE, UNKNOWN, Cells, Flag
from thce.registry.predict import Predictor
from thce.registry.seeded_order import seeded_keys


@dataclass(frozen=True)
class Decisions:
    """What a bundle decided on labelled notes; arrays are (n, 29) unless said otherwise.

    Attributes:
        encounter_ids: one per note.
        accept: the joint decision.
        certainty: its log-odds.
        label: gold cells.
        groups: (n,) near-duplicate group of each note.
    """

    encounter_ids: Sequence[str]
    accept: NDArray[np.bool_]
    certainty: NDArray[np.float64]
    label: Cells
    groups: NDArray[np.integer]


class AbstainConfig(Config):
    """What is claimed of which bundle, and the labelled notes that must bear it out.

    Attributes:
        model: bundle folder, URL or `champion:CHANNEL`.
        input: labelled notes (`accept`, `uncertain`) on which the bundle was neither trained nor
            its thresholds fitted.
        output: the file to write, for `score` to take.
        precision: share of automatically accepted flags that must be right.
        confidence: chance, over draws of the labelled notes, that the claim holds.
        weights: fp32 or int8; None takes the bundle's default.
        near_duplicate_threshold: similarity from which notes count as one.
        quarantine: where bad rows are listed, or None.
        max_bad: the most bad rows, in percent.
        seed: draws the one flag of a note that a pooled test counts.
    """

    model: str
    input: str
    output: str
    precision: float = Field(0.95, gt=0, lt=1)
    confidence: float = Field(0.9, gt=0, lt=1)
    weights: str | None = None
    near_duplicate_threshold: float = Field(0.8, gt=0, le=1)
    quarantine: str | None = None
    max_bad: float = Field(5.0, ge=0, le=100)
    seed: int = 42


def run(config: AbstainConfig) -> dict[str, Any]:
    """Tests the claim on the labelled notes and writes the cutoffs that bear it.

    Returns:
        What the file holds, with its path, the accepted flags of the labelled notes and how many
        of them would be automatic, and the notes all of whose accepted flags would be.

    Raises:
        InputError: the bundle or the notes are not valid, or the output is not local.
    """
    from thce.notes.near_duplicates import groups
    from thce.notes.read import read_notes
    from thce.registry.fuse import Signals
    from thce.registry.hydrate_ray import prepare_and_hydrate

    if is_remote(config.output):
        raise InputError("output: the cutoffs are written to a local file")
    predictor = Predictor.open(config.model, config.weights)
    notes = read_notes(config.input, quarantine=config.quarantine, max_bad_percent=config.max_bad)
    label = gold_cells(notes)
    hydrated = prepare_and_hydrate(notes)
    texts = hydrated["text"].to_pylist()
    probabilities = predictor.predict(texts)
    signals = Signals.from_table(hydrated)
    accept = predictor.fusion.fuse(probabilities, predictor.thresholds, signals).accept
    certainty = predictor.fusion.certainty(probabilities, predictor.thresholds, signals)
    found = abstention(
        Decisions(
            encounter_ids=hydrated["encounter_id"].to_pylist(),
            accept=accept,
            certainty=certainty,
            label=label,
            groups=groups(texts, config.near_duplicate_threshold),
        ),
        Claim(config.precision, config.confidence),
        predictor.bundle.version,
        predictor.weights,
        config.seed,
    )
    path = resolve(config.output)
    found.save(path)
    automatic = found.automatic(accept, certainty)
    return found.to_dict() | {
        "output": path,
        "notes": len(notes),
        "accepted": int(accept.sum()),
        "automatic": int(automatic.sum()),
        "automatic_right": int((automatic & (label == TRUE)).sum()),
        "automatic_known": int((automatic & (label != UNKNOWN)).sum()),
        "notes_all_automatic": int((accept.any(axis=1) & (accept == automatic).all(axis=1)).sum()),
    }


def abstention(
    decisions: Decisions, claim: Claim, bundle: str, weights: str, seed: int = 42
) -> Abstention:
    """Tests each flag with enough accepted cells on its own and all others together.

    Which flags are pooled follows from how often the bundle accepted them, never from whether it
    was right, so the choice costs the tests nothing. A flag that it never accepted stays with
    people: nothing was seen of it.

    Args:
        decisions: what the bundle decided on labelled notes.
        claim: precision and confidence, for each test by itself.
        bundle: its version.
        weights: the weights that decided.
        seed: draws the one flag of a note that a pooled test counts.
    """
    decided = decisions.accept & (decisions.label != UNKNOWN)
    notes = [len(np.unique(decisions.groups[cells])) for cells in decided.T]
    enough = np.array(notes) >= claim.fewest
    seen = np.array(notes) > 0
    alone = [flag for flag in Flag if enough[flag.position]]
    own = {flag: _test(decisions, decided, [flag], claim, seed) for flag in alone}
    few = [flag for flag in Flag if seen[flag.position] and not enough[flag.position]]
    pooled = _test(decisions, decided, few, claim, seed) if few else None
    right = decided & (decisions.label == TRUE)

    def cutoff_of(flag: Flag) -> FlagCutoff:
        counts = int(decided[:, flag.position].sum()), int(right[:, flag.position].sum())
        if flag in own:
            return FlagCutoff(own[flag].score, "own", *counts)
        if pooled is None or flag not in few:
            return FlagCutoff(None, "unseen", *counts)
        return FlagCutoff(pooled.score, "pooled", *counts)

    return Abstention(
        bundle=bundle,
        weights=weights,
        claim=claim,
        pooled=pooled,
        own=own,
        flags={flag: cutoff_of(flag) for flag in Flag},
    )


def _test(
    decisions: Decisions, decided: NDArray[np.bool_], flags: Sequence[Flag], claim: Claim, seed: int
) -> Cutoff:
    """The claim tested on the accepted cells of some flags together."""
    columns = [flag.position for flag in flags]
    row, column = np.nonzero(decided[:, columns])
    column = np.array(columns)[column]
    names = [
        f"{decisions.encounter_ids[note]}:{FLAG_NAMES[flag]}"
        for note, flag in zip(row, column, strict=True)
    ]
    return certified_cutoff(
        score=decisions.certainty[row, column],
        right=decisions.label[row, column] == TRUE,
        note=decisions.groups[row],
        priority=seeded_keys(names, seed, "abstain"),
        claim=claim,
    )
