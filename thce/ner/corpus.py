"""The documents of one or several brat folders, and what is worth saying of them."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thce.errors import InputError
from thce.ner.brat import BratFile, entity_line, read_folder
from thce.ner.documents import Document
from thce.ner.projection import project
from thce.ner.type_policy import count_types, tier_of
from thce.paths import resolve


@dataclass(frozen=True)
class Corpus:
    """Documents with ids of their own, in order of folder and name."""

    files: tuple[BratFile, ...]

    @property
    def documents(self) -> list[Document]:
        """The documents."""
        return [one.document for one in self.files]


def read_corpus(folders: str | Sequence[str]) -> Corpus:
    """Reads brat folders.

    Raises:
        InputError: a file is wrong, or two documents have one name.
    """
    given = [folders] if isinstance(folders, str) else list(folders)
    if not given:
        raise InputError("input: no folder; give a folder of brat files")
    files: list[BratFile] = []
    seen: dict[str, str] = {}
    for folder in map(resolve, given):
        for one in read_folder(folder):
            name = one.document.id
            if name in seen:
                raise InputError(
                    f"{folder}/{name}.ann: {seen[name]} has a document of that name too; two "
                    "annotations of one text are one document: give one of them"
                )
            seen[name] = folder
            files.append(one)
    return Corpus(tuple(files))


def fingerprint(documents: Sequence[Document]) -> str:
    """A hash of texts and mentions, independent of where they lie."""
    digest = hashlib.sha256()
    for document in sorted(documents, key=lambda one: one.id):
        parts = [document.id, document.text, *map(entity_line, document.entities)]
        for part in parts:
            content = part.encode()
            digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def describe(corpus: Corpus) -> dict[str, Any]:
    """Documents, mentions by type and tier, and what a tag a word cannot say of them."""
    outcomes: Counter[str] = Counter()
    words = 0
    for document in corpus.documents:
        projected = project(document)
        outcomes.update(projected.outcomes)
        words += len(projected.words)
    counts = count_types(corpus.documents)
    return {
        "documents": len(corpus.files),
        "words": words,
        "mentions": sum(counts.values()),
        "projection": dict(outcomes),
        "types": {
            name: {"mentions": count, "tier": tier_of(count)} for name, count in counts.items()
        },
        "oddities": [str(oddity) for one in corpus.files for oddity in one.oddities],
    }
