"""What each source says of the flags of a task, and where in the note the rules see it.

The rules read the same prepared text as hydration did, by the same function. What the model and
the billing codes said was kept with the task when it was drawn. A blind task shows none of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from thce.annotations.tasks import Task
from thce.registry.cpt_map import load_cpt_map, normalise_code
from thce.registry.hydrate import CPT_CONFIDENCE
from thce.registry.keywords import KeywordResult, keyword_signal
from thce.registry.labels import TRUE, UNKNOWN, Flag
from thce.registry.mentions import Mention


@dataclass(frozen=True)
class Opinion:
    """What one source says of one flag.

    Attributes:
        source: model, codes, text or rules.
        says: whether the procedure was done.
        confidence: the model's probability that it was done; how much a rule is trusted.
        detail: the codes, where the source is codes; else empty.
    """

    source: str
    says: bool
    confidence: float | None
    detail: str = ""


@dataclass(frozen=True)
class Seen:
    """What the page may show beside the note.

    Attributes:
        opinions: by flag of the task; a source that cannot speak is left out.
        mentions: of the flags of the task, in order of position.
        model_version: the bundle whose probabilities these are; None without one.
    """

    opinions: Mapping[Flag, tuple[Opinion, ...]]
    mentions: tuple[Mention, ...]
    model_version: str | None

    def disputed(self, flag: Flag) -> bool:
        """Whether one source says yes and another no."""
        return len({opinion.says for opinion in self.opinions.get(flag, ())}) == 2


NOTHING = Seen({}, (), None)


def seen_of(task: Task) -> Seen:
    """What the sources say of a task; nothing where it is blind."""
    if task.blind:
        return NOTHING
    text = _signal(task.text)
    return Seen(
        opinions={flag: tuple(_opinions(flag, task.meta, text)) for flag in task.options},
        mentions=tuple(one for one in text.mentions if one.flag in task.options),
        model_version=task.meta.get("model_version"),
    )


@lru_cache(maxsize=64)
def _signal(text: str) -> KeywordResult:
    return keyword_signal(text)


def _opinions(flag: Flag, meta: Mapping[str, Any], text: KeywordResult) -> list[Opinion]:
    found = []
    probabilities = meta.get("probabilities") or {}
    if flag.value in probabilities:
        says = flag.value in meta.get("ml_accept", ())
        found.append(Opinion("model", says, float(probabilities[flag.value])))
    by_code = flag.value in meta.get("cpt_accept", ())
    if by_code:
        codes = ", ".join(_codes_for(flag, meta.get("cpt_codes", ())))
        found.append(Opinion("codes", True, CPT_CONFIDENCE, codes))
    cell = text.cells[flag.position]
    if cell != UNKNOWN:
        says = bool(cell == TRUE)
        found.append(Opinion("text", says, round(float(text.confidence[flag.position]), 2)))
    # The deterministic side said yes, and neither codes nor text did: the form did.
    if flag.value in meta.get("rule_accept", ()) and not by_code and cell != TRUE:
        found.append(Opinion("form", True, None))
    return found


def _codes_for(flag: Flag, codes: list[str]) -> list[str]:
    """The billed codes that imply the flag."""
    table = load_cpt_map()
    normal = dict.fromkeys(normalise_code(code) for code in codes)
    return [code for code in normal if flag in table.single.get(code, ())]
