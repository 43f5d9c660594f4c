"""The generate step: a provider's model writes narratives for official codes. Off by default."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from pydantic import Field

from thce.coder.code_tree import CodeTree, code_tree
from thce.coder.common_codes import common_codes
from thce.coder.provider import CostCapReached, Provider, ProviderConfig
from thce.coder.provider_examples import SYSTEM, NotAnExample, read_reply, request_for
from thce.codes.code_types import CodeType
from thce.config import Config
from thce.errors import InputError
from thce.files import write_jsonl
from thce.paths import resolve


class GenerateConfig(Config):
    """What is asked of which provider.

    Attributes:
        enabled: must be set by hand: prompts leave this machine.
        provider: the model and its price.
        code_types: of the codes.
        scope: `common` for the shipped list, or `all`.
        count: narratives wanted.
        seed: of the choice of codes.
        output: JSONL of examples, a source of a mixture.
    """

    enabled: bool = False
    provider: ProviderConfig
    code_types: tuple[CodeType, ...] = (CodeType.ICD10,)
    scope: Literal["common", "all"] = "common"
    count: int = Field(default=100, ge=1)
    seed: int = 17
    output: str


def run(config: GenerateConfig) -> dict[str, Any]:
    """Asks for narratives until there are enough or the next could exceed the cap.

    Returns:
        Narratives written, answers refused by reason, requests, answers from the cache, dollars,
        whether the cap ended it, and where the file lies.

    Raises:
        InputError: it is not enabled, or the provider refuses or does not answer.
    """
    if not config.enabled:
        raise InputError(
            f"enabled: off; prompts (official terms only) would go to {config.provider.url}: set "
            "enabled=true to allow it"
        )
    provider, found = Provider(config.provider), Counter[str]()
    output = resolve(config.output)
    written = write_jsonl(output, _examples(config, provider, found))
    capped = found.pop("capped", 0)
    return {
        "examples": written,
        "refused": dict(sorted(found.items())),
        "requests": provider.spent.requests,
        "cached": provider.spent.cached,
        "retried": provider.spent.retried,
        "dollars": round(provider.spent.dollars, 6),
        "stopped_by_cap": bool(capped),
        "output": output,
    }


def _examples(
    config: GenerateConfig, provider: Provider, found: Counter[str]
) -> Iterator[dict[str, Any]]:
    for tree, row, variant in _asked_for(config):
        try:
            reply = provider.ask(SYSTEM, request_for(tree, row, variant))
            told = read_reply(reply, tree, row)
        except CostCapReached:
            found["capped"] += 1
            return
        except NotAnExample as reason:
            found[str(reason)] += 1
            continue
        yield {
            "id": f"provider:{tree.codes[row]}:{variant}",
            "narrative": told["narrative"],
            "code_type": tree.code_type.value,
            "code": tree.codes[row],
            "description": tree.descriptions[row],
            "reasoning": told["reasoning"],
        }


def _asked_for(config: GenerateConfig) -> list[tuple[CodeTree, int, int]]:
    """Trees, rows and variants, so many as are wanted; every code once before one twice."""
    trees = [code_tree(code_type) for code_type in config.code_types]
    rows = [
        (tree, row)
        for tree in trees
        for row in tree.billable_rows
        if config.scope == "all" or (tree.code_type, tree.codes[row]) in common_codes()
    ]
    order = np.random.default_rng(config.seed).permutation(len(rows)).tolist()
    return [
        (*rows[order[number % len(rows)]], number // len(rows)) for number in range(config.count)
    ]
