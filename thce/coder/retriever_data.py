"""What the retriever learns from: (text, official term) pairs of one concept, in one Parquet file.

The text is another official term of the concept, or the term dressed as a clinician writes. Rows
of one category stand in one group, so that a batch holds near misses (siblings in the tree) of
each term as negatives. Sides and encounters are not in here: they are decided apart. Inclusion
terms held out for testing are left out.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from thce.coder.concepts import Concept, build_concepts
from thce.coder.dressing import dress
from thce.coder.held_out_terms import is_held_out
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config

OTHERS = 2000  # terms from which denied ones are drawn


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
    import pyarrow.parquet as pq

    from thce.files import atomic_open

    concepts = [
        concept for kind in config.code_types for concept in build_concepts(load_catalogue(kind))
    ]
    columns: dict[str, list] = {"query": [], "term": [], "concept": [], "group": []}
    for pair in draw_pairs(concepts, config.pairs, config.seed):
        for column, value in zip(columns.values(), pair, strict=True):
            column.append(value)
    table = pa.table(columns).cast(
        pa.schema(
            {"query": pa.string(), "term": pa.string(), "concept": pa.int32(), "group": pa.int32()}
        )
    )
    with atomic_open(config.output, "wb") as file:
        pq.write_table(table, file, compression="zstd", compression_level=12)
    return {
        "output": config.output,
        "pairs": table.num_rows,
        "concepts": len(concepts),
        "megabytes": round(Path(config.output).stat().st_size / 1e6, 1),
    }


def draw_pairs(
    concepts: Sequence[Concept], count: int, seed: int
) -> Iterator[tuple[str, str, int, int]]:
    """Rows (query, term, concept, group), group by group of eight concepts of one category.

    A category's share grows with the root of its size, so that injuries and external causes, half
    of all concepts, do not crowd out diseases.
    """
    draw = random.Random(seed)
    usable = {
        number: terms
        for number, concept in enumerate(concepts)
        if (terms := [term for term in concept.terms if not is_held_out(term)])
    }
    members: dict[str, list[int]] = defaultdict(list)
    for number in usable:
        members[_family(concepts[number])].append(number)
    families = sorted(members)
    shares = [len(members[family]) ** 0.5 for family in families]
    pool = [usable[number][0] for number in draw.sample(sorted(usable), min(OTHERS, len(usable)))]
    written = group = 0
    while written < count:
        family = members[draw.choices(families, shares)[0]]
        for number in draw.sample(family, min(8, len(family), count - written)):
            query, term = _pair(usable[number], pool, draw)
            yield query, term, number, group
            written += 1
        group += 1


def _family(concept: Concept) -> str:
    """Concepts that are near misses of each other: a category, or a range of CPT or HCPCS codes."""
    return concept.category[:3]


def _pair(terms: Sequence[str], pool: Sequence[str], draw: random.Random) -> tuple[str, str]:
    term = draw.choice(terms)
    said = draw.choice(terms)
    return dress(said, pool, draw), term


def main() -> None:
    """`python -m thce.coder.retriever_data output=FILE [pairs=N]`."""
    import sys

    from thce.config import load

    print(run(load(RetrieverDataConfig, None, sys.argv[1:])))


if __name__ == "__main__":
    main()
