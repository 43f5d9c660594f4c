"""Held-out official terms as narratives: a term in, its codes out.

The index that is tested must leave these terms out (`leave_out=is_held_out`), and the retriever
was not trained on them. A term of a category stands for every code below: any of them is right.
"""

import json
from collections import defaultdict

import numpy as np

from thce.coder.coded_rows import Narrative
from thce.coder.held_out_terms import is_held_out
from thce.codes.catalogue import Catalogue


def held_out_narratives(catalogue: Catalogue, most_codes: int = 20) -> list[Narrative]:
    """Inclusion terms that are held out, each with the billable codes at or below its code.

    Args:
        catalogue: ICD-10-CM's.
        most_codes: a term that stands for more is left out; it does not tell a code.
    """
    codes: dict[str, dict[str, None]] = defaultdict(dict)
    for row in np.flatnonzero(catalogue.current).tolist():
        above = row
        while above >= 0:
            notes = json.loads(catalogue.tables.notes[above] or "{}")
            for term in notes.get("inclusion_terms", ()):
                if is_held_out(term):
                    codes[term][catalogue.code_at(row)] = None
            above = int(catalogue.tables.parents[above])
    return [
        Narrative(
            f"t{number:05}",
            term,
            catalogue.code_type,
            tuple((catalogue.code_type, code) for code in of),
        )
        for number, (term, of) in enumerate(sorted(codes.items()))
        if len(of) <= most_codes
    ]
