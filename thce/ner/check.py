"""The check step: what brat folders hold, and what the splits of their documents would share."""

from pathlib import Path
from typing import Any

from thce.config import Config
from thce.files import write_json
from thce.ner.corpus import describe, read_corpus
from thce.ner.splits import SplitConfig, assign, leaks_of
from thce.paths import resolve
from thce.registry.leaks import require_no_leaks
from thce.registry.splits import SPLITS


class CheckConfig(Config):
    """What is looked at.

    Attributes:
        input: a brat folder, or several.
        split: how documents are dealt, or the file of an assignment to be checked.
        output: JSON file for the assignment, as `split.file` takes it; None writes none.
    """

    input: str | list[str]
    split: SplitConfig = SplitConfig()
    output: str | None = None


def run(config: CheckConfig) -> dict[str, Any]:
    """Reads every file, counts, deals the documents and looks for leaks.

    Returns:
        Documents, mentions per type with their tier, what a tag a word cannot say, oddities by
        file and line, documents per split, and leaks where the configuration accepts them.

    Raises:
        InputError: a file is wrong, naming it and its line.
        Finding: two splits share a text.
    """
    corpus = read_corpus(config.input)
    assignment = assign(corpus.documents, config.split)
    leaks = leaks_of(corpus.documents, assignment)
    if config.split.leaks == "refuse":
        require_no_leaks(leaks)
    if config.output is not None:
        write_json(Path(resolve(config.output)), {"assignment": assignment})
    dealt = list(assignment.values())
    return {
        **describe(corpus),
        "splits": {name: dealt.count(name) for name in SPLITS},
        "leaks": [str(leak) for leak in leaks],
    }
