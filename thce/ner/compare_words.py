"""What a comparison of models amounts to, in words that follow from its figures."""

from collections.abc import Sequence

from thce.evaluation.comparison import Comparison
from thce.evaluation.wording import SIGNIFICANCE, counted, interval, number, p_value, signed
from thce.ner.comparison import Cost, ModelComparison, TypeWinner
from thce.ner.report_words import listed, spoken, with_interval

_COSTS = (
    ("milliseconds", "a document takes {:.2f} times as long"),
    ("memory_mib", "memory is {:.2f} times as large"),
    ("training_seconds", "training takes {:.2f} times as long"),
)


def describe_models(found: ModelComparison) -> list[str]:
    """The best model overall, what each other one gives and takes, and the types."""
    return [
        _best(found),
        *(_trade_off(found, name) for name in found.names if name != found.best),
        _recommendation(found),
        *_types(found),
    ]


def is_evidence(pair: Comparison) -> bool:
    """Whether interval and test agree that there is a difference."""
    return pair.difference.excludes(0) and pair.p_adjusted < SIGNIFICANCE


def _best(found: ModelComparison) -> str:
    score = found.scores[found.names.index(found.best)]
    return (
        f"{found.best} has the highest micro F1 of {counted(len(found.names), 'model')}: "
        f"{with_interval(score.micro_f1)}, precision {with_interval(score.precision)}, recall "
        f"{with_interval(score.recall)}, macro F1 {with_interval(score.macro_f1)}."
    )


def _trade_off(found: ModelComparison, name: str) -> str:
    pair = _pair(found, name)
    difference = pair.difference
    evidence = (
        "which is evidence of a difference on documents like these"
        if is_evidence(pair)
        else "which is no evidence of a difference"
    )
    sentence = (
        f"{name} is {number(difference.estimate)} lower in micro F1 ({found.best} less {name}: "
        f"{signed(difference.low)} to {signed(difference.high)}, {p_value(pair.p_adjusted)}), "
        f"{evidence}."
    )
    ratios = _ratios(_cost(found, name), _cost(found, found.best))
    return f"{sentence} Against {found.best}, {listed(ratios)}." if ratios else sentence


def _ratios(one: Cost, other: Cost) -> list[str]:
    said = []
    for field, words in _COSTS:
        mine, theirs = getattr(one, field), getattr(other, field)
        if mine and theirs:
            said.append(words.format(mine / theirs))
    return said


def _recommendation(found: ModelComparison) -> str:
    """The cheapest model that is not shown to be worse than the best."""
    as_good = [found.best] + [
        name for name in found.names if name != found.best and not is_evidence(_pair(found, name))
    ]
    times = {name: _cost(found, name).milliseconds for name in as_good}
    measured = {name: time for name, time in times.items() if time is not None}
    if len(as_good) == 1:
        return f"Where only quality counts, {found.best} is the one to take."
    if len(measured) < len(as_good):
        return (
            f"{listed(as_good)} cannot be told apart in micro F1 on these documents; their speed "
            "was not measured."
        )
    fastest = min(measured, key=lambda name: measured[name])
    return (
        f"{listed(as_good)} cannot be told apart in micro F1 on these documents, and {fastest} is "
        f"the fastest of them ({measured[fastest]:.0f} ms a document): it is the one to take "
        "unless more documents show a difference."
    )


def _types(found: ModelComparison) -> list[str]:
    others = [one for one in found.types if one.best != found.best]
    if not others:
        return [f"No annotated type is found better by another model than {found.best}."]
    shown = [one for one in others if one.p_adjusted < SIGNIFICANCE]
    sentence = (
        f"Of {counted(len(found.types), 'annotated type')}, {len(others)} "
        f"{'has' if len(others) == 1 else 'have'} the highest F1 with another model"
    )
    if not shown:
        return [f"{sentence}, none of them by more than chance would bring."]
    return [f"{sentence}; there is evidence for {listed([_named(one) for one in shown])}."]


def _named(one: TypeWinner) -> str:
    return (
        f"{spoken(one.type)} with {one.best} ({signed(one.difference.estimate)}, "
        f"{interval(one.difference)})"
    )


def _pair(found: ModelComparison, name: str) -> Comparison:
    return next(one for one in found.pairs if one.b == name and one.metric == "micro_f1")


def _cost(found: ModelComparison, name: str) -> Cost:
    return found.costs[found.names.index(name)]


def missing_costs(costs: Sequence[Cost]) -> bool:
    """Whether something was not measured for some model."""
    return any(getattr(one, field) is None for one in costs for field, _ in _COSTS)
