"""Which official inclusion terms are kept for evaluation: never in training data of any source."""

import re

from thce.coder.draw import stable_hash

SHARE = 0.1
_NOT_WORD = re.compile(r"[^a-z0-9]+")


def same_term(term: str) -> str:
    """The term as it is compared: lower case, words only."""
    return _NOT_WORD.sub(" ", term.lower()).strip()


def is_held_out(term: str, share: float = SHARE) -> bool:
    """Whether an inclusion term is kept for evaluation.

    It depends on the term's words alone: not on a seed, a catalogue's release or an order.

    Args:
        term: an inclusion term.
        share: of all terms, 0 to 1. A term held out at one share is so at every larger one.
    """
    return stable_hash(f"held out:{same_term(term)}") < share * 2**64
