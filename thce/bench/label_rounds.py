"""One course of the loop in memory: a strategy chooses, the gold answers, the probe learns again.

Weak cells (form and codes, and keywords where they are let in) teach beside people's, exactly as
a dataset merges them: the confidence of its tier for each cell, 1 for a person's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.bench import probe
from thce.evaluation.multilabel import macro_f1, micro_f1, outcomes
from thce.registry.candidates import Candidates, ModelView
from thce.registry.labels import TRUE, Cells
from thce.registry.merge import HUMAN_CONFIDENCE
from thce.registry.objective import positive_weights
from thce.registry.seeded_order import seeded_keys
from thce.registry.strategies import Strategy
from thce.registry.thresholds import ThresholdPolicy, Thresholds, apply
from thce.registry.thresholds import fit as fit_thresholds
from thce.registry.train import Recipe

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Notes:
    """n notes with all that the loop knows of them.

    Attributes:
        encounter_ids: one per note.
        gold: (n, 29), what a person would answer.
        weak: (n, 29) hydrated labels.
        confidence: (n, 29) of the weak labels.
        deterministic: (n, 29), the side that disagreements are counted against.
        cpt: (n, 29) of the billing codes alone.
        groups: (n,) near-duplicates.
    """

    encounter_ids: list[str]
    gold: Cells
    weak: Cells
    confidence: NDArray[np.float32]
    deterministic: Cells
    cpt: Cells
    groups: NDArray[np.int64]


@dataclass(frozen=True)
class Arena:
    """One split of the notes, the same for every strategy.

    Attributes:
        notes: all of them.
        pool: rows that may be asked about and learned from.
        test: rows that judge.
        kernel: (n, n) of all notes.
    """

    notes: Notes
    pool: Rows
    test: Rows
    kernel: Floats


@dataclass(frozen=True)
class Learned:
    """The probe after a round.

    Attributes:
        fit: over the pool, in the order of its rows.
        thresholds: fitted on the answered notes' left-out probabilities.
    """

    fit: probe.Fit
    thresholds: Thresholds


@dataclass(frozen=True)
class Budget:
    """How many notes are answered, and when.

    Attributes:
        start: drawn at random before the first model, the same for every strategy.
        batch: asked about in each round.
        rounds: after the first model.
    """

    start: int
    batch: int
    rounds: int

    @property
    def spent(self) -> NDArray[np.int64]:
        """(rounds + 1,) notes answered at each measurement."""
        return self.start + self.batch * np.arange(self.rounds + 1)


def run_course(arena: Arena, strategy: Strategy, budget: Budget, seed: int) -> Floats:
    """Micro and macro F1 of the model alone on the test notes, before and after each round.

    Args:
        arena: the split.
        strategy: chooses the notes of each round.
        budget: how many.
        seed: of the start and of the strategy's ties and shuffles.

    Returns:
        (2, rounds + 1): micro F1, macro F1 over the flags with a positive test note.
    """
    notes = arena.notes
    ids = [notes.encounter_ids[row] for row in arena.pool]
    answered = np.zeros(len(ids), dtype=bool)
    answered[np.argsort(seeded_keys(ids, seed, "start"))[: budget.start]] = True
    scores = np.empty((2, budget.rounds + 1))
    learned = None
    for number in range(budget.rounds + 1):
        learned = learn(arena, answered, learned)
        scores[:, number] = judge(arena, learned)
        if number < budget.rounds:
            candidates, rows = candidates_of(arena, learned, answered)
            chosen = strategy.select(candidates, budget.batch, seed * 1000 + number)
            answered[rows[chosen]] = True
    return scores


def learn(arena: Arena, answered: NDArray[np.bool_], before: Learned | None = None) -> Learned:
    """Trains on the pool: people's cells where a note is answered, weak ones elsewhere.

    Args:
        arena: the split.
        answered: (p,) of the pool.
        before: of the round before, to start from; it saves time and alters nothing.
    """
    notes, pool = arena.notes, arena.pool
    gold = notes.gold[pool]
    label = np.where(answered[:, None], gold, notes.weak[pool]).astype(np.int8)
    confidence = np.where(
        answered[:, None], np.float32(HUMAN_CONFIDENCE), notes.confidence[pool]
    ).astype(np.float32)
    balance = positive_weights(label, confidence, Recipe().pos_weight_cap)
    weight = confidence.astype(np.float64) * np.where(label == TRUE, balance, 1.0)
    fitted = probe.fit(
        arena.kernel[pool[:, None], pool], label, weight, before.fit if before else None
    )
    thresholds = fit_thresholds(
        probabilities(fitted.left_out[answered]),
        gold[answered],
        ThresholdPolicy(),
        train_positives=(label == TRUE).sum(axis=0),
    )
    return Learned(fitted, thresholds)


def judge(arena: Arena, learned: Learned) -> tuple[float, float]:
    """Micro and macro F1 of the model alone on the test notes."""
    logits = learned.fit.logits(arena.kernel[arena.test[:, None], arena.pool])
    predicted = apply(probabilities(logits), learned.thresholds)
    counts = outcomes(arena.notes.gold[arena.test], predicted).sum(axis=0)
    return float(micro_f1(counts)), float(macro_f1(counts))


def candidates_of(
    arena: Arena, learned: Learned, answered: NDArray[np.bool_]
) -> tuple[Candidates, Rows]:
    """The unanswered notes as strategies see them, and their positions in the pool."""
    notes, rows = arena.notes, np.flatnonzero(~answered)
    open_notes = arena.pool[rows]
    scored = probabilities(learned.fit.logits(arena.kernel[open_notes[:, None], arena.pool]))
    candidates = Candidates(
        encounter_ids=[notes.encounter_ids[row] for row in open_notes],
        deterministic=notes.deterministic[open_notes],
        cpt=notes.cpt[open_notes],
        label_counts=(notes.gold[arena.pool[answered]] == TRUE).sum(axis=0),
        model=ModelView(scored, learned.thresholds.values, apply(scored, learned.thresholds)),
        groups=notes.groups[open_notes],
    )
    return candidates, rows


def probabilities(logits: Floats) -> Floats:
    """(m, 29) logits as probabilities."""
    return probe.sigmoid(logits)
