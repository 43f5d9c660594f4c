"""Tombstones: what is kept of a note deleted on request, so that it does not come back."""

import hashlib
import secrets
import sqlite3
from typing import Self


class Tombstones:
    """The salted hashes of deleted ids.

    An id may be a record number that could be guessed from a plain hash; the salt makes a list of
    guesses useless without this very file.
    """

    def __init__(self, hashes: set[tuple[str, str]]) -> None:
        self._hashes = hashes
        self._salts = sorted({salt for salt, _ in hashes})

    @classmethod
    def load(cls, connection: sqlite3.Connection) -> Self:
        """All tombstones of a store."""
        return cls(set(connection.execute("SELECT salt, id_hash FROM tombstones")))

    def __contains__(self, encounter_id: str) -> bool:
        return any((salt, _hash(salt, encounter_id)) in self._hashes for salt in self._salts)

    def add_to(self, connection: sqlite3.Connection, encounter_id: str, now: float) -> None:
        """Adds the tombstone of a note to the store, unless it has one."""
        if encounter_id in self:
            return
        salt = self._salts[0] if self._salts else secrets.token_hex(16)
        connection.execute(
            "INSERT INTO tombstones VALUES (?, ?, ?)", (salt, _hash(salt, encounter_id), now)
        )


def _hash(salt: str, encounter_id: str) -> str:
    return hashlib.sha256(f"{salt}\0{encounter_id}".encode()).hexdigest()
