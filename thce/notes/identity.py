"""Who a note is: the encounter id, the same wherever and whenever a note is read."""

import hashlib


def encounter_id(raw: str) -> str:
    """The id of a note that brings none of its own.

    Args:
        raw: the note's text as read, before anything is normalised.

    Returns:
        The first 16 hex digits of the SHA-256 of the stripped text in UTF-8. Two encounters with
        the same text have the same id: they are one note.
    """
    return hashlib.sha256(raw.strip().encode("utf-8")).hexdigest()[:16]
