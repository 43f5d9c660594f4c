"""What the retriever learns from: (text, official term) pairs of one concept, in one Parquet file.

The text is a synthetic narrative of one of the concept's codes, or another of its official terms
in clinical words. Rows of one category stand in one group, so that a batch holds near misses
(siblings in the tree) of each term as negatives. Sides and encounters are not told apart: they
are decided elsewhere. Inclusion terms held out for testing are left out.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from thce.coder.clinical_words import say_clinically
from thce.coder.common_codes import common_codes
from thce.coder.concepts import Concept, build_concepts
from thce.coder.draw import Draw
from thce.coder.held_out_terms import is_held_out
from thce.coder.synthesize import SyntheticNarratives
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config

NARRATIVES = 0.7  # of the rows; the others are terms
IN_GROUP = 8  # concepts of one category side by side
COMMON = 0.4  # of the groups stand around a common code


class RetrieverDataConfig(Config):
    """Which pairs.

    Attributes:
        output: Parquet file to write.
        pairs: how many rows.
        code_types: whose concepts; ICD-10-CM has most of the rows.
        seed: of all choices.
    """

    output: str
    pairs: int = 200_000
    code_types: tuple[CodeType, ...] = tuple(CodeType)
    seed: int = 42


def run(config: RetrieverDataConfig) -> dict[str, object]:
    """Writes the pairs: query, term, concept (int32), group (int32)."""
    import pyarrow as pa

    from thce.files import write_parquet

    columns: dict[str, list] = {"query": [], "term": [], "concept": [], "group": []}
    for pair in RetrieverPairs(config.code_types, config.seed).draw(config.pairs):
        for column, value in zip(columns.values(), pair, strict=True):
            column.append(value)
    table = pa.table(columns).cast(
        pa.schema(
            {"query": pa.string(), "term": pa.string(), "concept": pa.int32(), "group": pa.int32()}
        )
    )
    write_parquet(config.output, table)
    return {
        "output": config.output,
        "pairs": table.num_rows,
        "megabytes": round(Path(config.output).stat().st_size / 1e6, 1),
    }


class RetrieverPairs:
    """Draws pairs; the same seed gives the same ones."""

    def __init__(self, code_types: Sequence[CodeType], seed: int) -> None:
        self._seed = seed
        self._narratives = SyntheticNarratives(code_types, seed)
        self._concepts: list[Concept] = []
        self._places: list[list[int]] = []
        self._common: list[int] = []
        terms = self._narratives.official.terms
        for kind in code_types:
            catalogue = load_catalogue(kind)
            of_code: Mapping[str, list[int]] = defaultdict(list)
            for place, (tree, term) in enumerate(terms):
                if tree.code_type is kind:
                    of_code[tree.codes[term.row]].append(place)
            for concept in build_concepts(catalogue, is_held_out):
                codes = [catalogue.code_at(row) for row in concept.rows]
                if any((kind, code) in common_codes() for code in codes):
                    self._common.append(len(self._concepts))
                self._concepts.append(concept)
                self._places.append([place for code in codes for place in of_code[code]])

    def draw(self, count: int) -> Iterator[tuple[str, str, int, int]]:
        """Rows (query, term, concept, group), group by group of concepts of one category.

        Some groups stand around a code of the shipped common list. Among the others a category's
        share grows with the root of its size, so that injuries and external causes, half of all
        concepts, do not crowd out diseases.
        """
        draw = random.Random(self._seed)
        members: dict[str, list[int]] = defaultdict(list)
        for number, concept in enumerate(self._concepts):
            members[concept.category[:3]].append(number)
        families = sorted(members)
        shares = [len(members[family]) ** 0.5 for family in families]
        written = group = 0
        while written < count:
            if self._common and draw.random() < COMMON:
                first = [draw.choice(self._common)]
                family = members[self._concepts[first[0]].category[:3]]
            else:
                first, family = [], members[draw.choices(families, shares)[0]]
            others = draw.sample(family, min(IN_GROUP, len(family)))
            for number in list(dict.fromkeys(first + others))[: count - written]:
                query = self._query(number, f"{group}:{number}", draw)
                yield query, draw.choice(self._concepts[number].terms), number, group
                written += 1
            group += 1

    def _query(self, number: int, name: str, draw: random.Random) -> str:
        places = self._places[number]
        if places and draw.random() < NARRATIVES:
            terms = len(self._narratives) // self._narratives.variants
            place = draw.choice(places) + terms * draw.randrange(self._narratives.variants)
            return self._narratives.examples([place], stage=1)[0].narrative
        term = draw.choice(self._concepts[number].terms)
        return say_clinically(term, Draw(self._seed, name), 60) or term


def main() -> None:
    """`python -m thce.coder.retriever_data output=FILE [pairs=N]`."""
    import sys

    from thce.config import load

    print(run(load(RetrieverDataConfig, None, sys.argv[1:])))


if __name__ == "__main__":
    main()
