"""The notes of a label-efficiency bench: read, prepared and hydrated as the loop does it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from thce.bench.label_rounds import Arena, Notes, Rows
from thce.bench.probe_words import word_kernel
from thce.errors import InputError
from thce.notes.near_duplicates import groups
from thce.notes.prepare import prepare_table
from thce.registry.gold import gold_cells
from thce.registry.hydrate import hydrate_table, resolve
from thce.registry.hydrated import matrix
from thce.registry.labels import TRUE, UNKNOWN
from thce.registry.note_inputs import read_inputs
from thce.registry.signals import deterministic_signal
from thce.registry.splits import TEST, Fractions, assign

COMMON = 0.2
"""Share of the pool from which a flag is common."""


def read_labelled(paths: Sequence[str], quarantine: Path) -> pa.Table:
    """Labelled notes of all inputs, prepared and hydrated.

    Raises:
        InputError: an input is unusable, a note comes twice or has no gold labels.
    """
    table, _ = prepare_table(pa.concat_tables(read_inputs(paths, quarantine)))
    ids = table["encounter_id"].to_pylist()
    if len(set(ids)) != len(ids):
        raise InputError(f"notes: {len(ids) - len(set(ids))} encounters come twice; give each once")
    gold_cells(table)
    return hydrate_table(table)


def notes_of(table: pa.Table, *, keywords: bool) -> Notes:
    """What the loop knows of the notes, with or without what the keyword rules say.

    Without them labels and deterministic side rest on form and codes alone.

    Args:
        table: hydrated notes with gold labels.
        keywords: whether the rules may speak.
    """
    form, cpt = matrix(table, "structured_signal"), matrix(table, "cpt_signal")
    text, sure = matrix(table, "keyword_signal"), matrix(table, "keyword_confidence")
    if not keywords:
        text, sure = np.full_like(text, UNKNOWN), np.zeros_like(sure)
    weak, _, confidence = resolve(form, cpt, text, sure)
    return Notes(
        encounter_ids=table["encounter_id"].to_pylist(),
        gold=gold_cells(table),
        weak=weak,
        confidence=confidence,
        deterministic=deterministic_signal(form, cpt, text, table["cpt_codes"].to_pylist()),
        cpt=cpt,
        groups=groups(table["text"].to_pylist()),
    )


def split_notes(notes: Notes, test_share: float, seed: int) -> tuple[Rows, Rows]:
    """Pool and test rows by the dataset step's own split, near-duplicates together.

    Its validation part joins the pool: thresholds are fitted on left-out scores of answered notes.
    """
    rest = (1.0 - test_share) / 2
    fractions = Fractions(train=rest, val=1.0 - test_share - rest, test=test_share)
    homes = assign(notes.encounter_ids, notes.gold, notes.groups, fractions, seed)
    in_test = np.array([homes[name] == TEST for name in notes.encounter_ids])
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)


def thin_pool(notes: Notes, pool: Rows, rare_flags: int, left: int, seed: int) -> Rows:
    """The pool with some flags made rare, as a service's notes are and written corpora are not.

    Of each flag drawn, all pool notes but `left` are taken out, flag by flag, so that other flags
    of the same notes lose some, too. Flags that many notes hold are never drawn: they stay common.
    The test keeps every note, or nobody could measure.

    Args:
        notes: all notes.
        pool: its rows.
        rare_flags: how many flags are drawn.
        left: positives that each keeps at most.
        seed: draws the flags and the notes.
    """
    generator = np.random.default_rng(seed)
    true = notes.gold[pool] == TRUE
    kept = np.ones(len(pool), dtype=bool)
    uncommon = np.flatnonzero(true.mean(axis=0) < COMMON)
    for flag in generator.permutation(uncommon)[:rare_flags]:
        holding = generator.permutation(np.flatnonzero(kept & true[:, flag]))
        kept[holding[left:]] = False
    return pool[kept]


def arena_of(notes: Notes, texts: Sequence[str], split: tuple[Rows, Rows]) -> Arena:
    """One split with the kernel whose word statistics come from its pool."""
    pool, test = split
    return Arena(notes, pool, test, word_kernel(texts, pool))
