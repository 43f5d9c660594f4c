"""Brat folders -> tags, splits and tagged windows: the same in the command and in every worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thce.errors import InputError
from thce.ner.corpus import read_corpus
from thce.ner.documents import Document
from thce.ner.objective import TaggedDocument
from thce.ner.projection import project
from thce.ner.splits import SplitConfig, assign, in_split, leaks_of
from thce.ner.tags import TagSet
from thce.ner.type_policy import TypePolicy, apply_mapping, count_types
from thce.ner.windows import WindowEncoder
from thce.registry.leaks import Leak, require_no_leaks
from thce.registry.splits import TRAIN


@dataclass(frozen=True)
class TrainingData:
    """Documents with their split, and what is learned of them.

    Attributes:
        documents: all, types mapped as the policy says.
        assignment: the split of each.
        counts: mentions per type in training, before the policy.
        mapping: where each of these types went.
        tags: what the model answers.
        leaks: what splits share; only where the configuration accepts it.
    """

    documents: list[Document]
    assignment: dict[str, str]
    counts: dict[str, int]
    mapping: dict[str, str | None]
    tags: TagSet
    leaks: list[Leak]

    def split(self, name: str) -> list[Document]:
        """The documents of a split."""
        return in_split(self.documents, self.assignment, name)

    def splits_file(self) -> dict[str, Any]:
        """What splits.json holds."""
        return {"assignment": self.assignment, "leaks": [str(leak) for leak in self.leaks]}

    def tags_file(self) -> dict[str, Any]:
        """What tags.json holds."""
        return self.tags.to_dict() | {"mapping": self.mapping, "train_mentions": self.counts}


def prepare(folders: str | Sequence[str], split: SplitConfig, types: TypePolicy) -> TrainingData:
    """Reads brat folders, deals the documents and decides on the types.

    A type that occurs in validation or test only has no mention to learn from; it keeps its tags,
    so that the model's misses of it count.

    Raises:
        InputError: the folders or the split are wrong, or no mention is left.
        Finding: splits share a text, and the configuration does not accept that.
    """
    documents = read_corpus(folders).documents
    assignment = assign(documents, split)
    leaks = leaks_of(documents, assignment)
    if split.leaks == "refuse":
        require_no_leaks(leaks)
    trained = count_types(in_split(documents, assignment, TRAIN))
    counts = {name: trained.get(name, 0) for name in count_types(documents)}
    mapping = types.mapping(counts)
    mapped = [apply_mapping(document, mapping) for document in documents]
    if not any(one.entities for one in in_split(mapped, assignment, TRAIN)):
        raise InputError("input: no mention is left to learn from; see types.rare")
    tags = TagSet.of(count_types(mapped))
    return TrainingData(mapped, assignment, counts, mapping, tags, leaks)


def tagged(
    documents: Sequence[Document], encoder: WindowEncoder, tags: TagSet
) -> list[TaggedDocument]:
    """Documents as windows, every word with its gold tag."""
    return [
        TaggedDocument(
            document.id,
            encoder.encode(document.text),
            np.array([tags.tag2id[tag] for tag in project(document).tags], dtype=np.int64),
        )
        for document in documents
    ]
