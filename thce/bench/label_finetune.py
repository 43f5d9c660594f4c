"""Courses with the real learner: the loop itself, trained by `thce.registry.train`, per strategy.

Slow: each round of each course fine-tunes an encoder. The loop's rules include keywords, and a
seed decides split, start and training at once, so every course is a split of its own.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thce.bench.label_curves import Curves
from thce.errors import InputError
from thce.registry import loop
from thce.registry.splits import Fractions
from thce.registry.stopping import StoppingRule

if TYPE_CHECKING:
    from thce.bench.label_efficiency import LabelEfficiencyConfig

_NEVER = StoppingRule(plateau_rounds=None, rare_f1=None, disagreement_rate=None)
_VALIDATION_SHARE = 0.15


def finetuned_courses(config: "LabelEfficiencyConfig", folder: Path) -> Curves:
    """Runs the loop per split and strategy; finished rounds of an earlier call are kept.

    The start is random validation notes; the first measurement is after the first batch.

    Raises:
        InputError: the notes are unusable, or a course ran out of notes to ask about.
    """
    scores = np.empty((config.splits, 1, len(config.strategies), 2, config.rounds))
    spent: list[list[int]] = []
    for split in range(config.splits):
        for at, strategy in enumerate(config.strategies):
            course = folder / "courses" / f"{config.seed + split}-{strategy}"
            rounds = loop.run(_loop_config(config, course, strategy, config.seed + split))["rounds"]
            if len(rounds) <= config.rounds:
                raise InputError(
                    f"notes: only {len(rounds) - 1} of {config.rounds} rounds found notes to ask "
                    "about; give more notes, or fewer rounds or a smaller batch"
                )
            measured = [one["scores"] for one in rounds[1:]]
            scores[split, 0, at, 0] = [one["model_micro_f1"][0] for one in measured]
            scores[split, 0, at, 1] = [one["model_macro_f1"][0] for one in measured]
            spent.append([one["labels_spent"] for one in rounds[1:]])
    if any(one != spent[0] for one in spent):
        raise InputError("notes: courses spent different numbers of labels; give more notes")
    return Curves(tuple(config.strategies), np.array(spent[0]), scores)


def _loop_config(
    config: "LabelEfficiencyConfig", course: Path, strategy: str, seed: int
) -> loop.LoopConfig:
    train = 1.0 - config.test_share - _VALIDATION_SHARE
    return loop.LoopConfig.model_validate(
        {
            "notes": config.notes,
            "output": str(course),
            "annotator": "oracle",
            "strategy": strategy,
            "rounds": config.rounds,
            "labels_per_round": config.batch,
            "validation_labels": config.start,
            "fractions": Fractions(
                train=train, val=_VALIDATION_SHARE, test=config.test_share
            ).model_dump(),
            "stopping": _NEVER.model_dump(),
            "recipe": config.recipe.model_dump(),
            "warm": config.warm.model_dump(),
            "seed": seed,
        }
    )
