"""The token file: who may do what. It holds digests only; a token is shown once, when made."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from thce.errors import InputError
from thce.files import atomic_open, read_json

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
"""A caller's name: it stands in the audit log and in answers."""

SHORTEST = 32
"""Characters of the shortest token accepted; `thce serve token` makes one of 43."""


class Role(StrEnum):
    """What a caller may do: `admin` all of it, the others what they are named after."""

    SCORE = "score"
    ANNOTATE = "annotate"
    ADMIN = "admin"

    def may(self, required: "Role") -> bool:
        """Whether this role includes the required one."""
        return self in (required, Role.ADMIN)


@dataclass(frozen=True)
class Caller:
    """Who is asking.

    Attributes:
        name: as in the token file; `local` without a token file.
        role: what is allowed.
    """

    name: str
    role: Role


LOCAL = Caller("local", Role.ADMIN)
"""Everybody on this machine, where the server is bound to loopback and has no token file."""


@dataclass(frozen=True)
class Token:
    """One line of the token file."""

    caller: Caller
    digest: bytes


def read_tokens(path: str | Path) -> tuple[Token, ...]:
    """Reads a token file.

    Raises:
        InputError: it cannot be read, others than its owner may read it, or a line is not valid.
    """
    if Path(path).exists() and Path(path).stat().st_mode & 0o077:
        raise InputError(f"{path}: others may read it; run `chmod 600 {path}`")
    held = read_json(path)
    rows = held.get("tokens") if isinstance(held, dict) else None
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: no tokens in it; make one with `thce serve token`")
    tokens = tuple(_token(path, number, row) for number, row in enumerate(rows, start=1))
    names = [token.caller.name for token in tokens]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two tokens have one name; give each caller a name of its own")
    return tokens


def add_token(path: Path, caller: Caller) -> str:
    """Makes a token for a caller, writes its digest into the file (mode 600), returns the token.

    A caller that has one already gets a new one; the old one, and its sessions, end.

    Raises:
        InputError: the name is not valid, or the file is not a token file.
    """
    if not NAME.fullmatch(caller.name):
        raise InputError("name: 1 to 64 letters, digits, spaces and ._@-, a letter or digit first")
    kept = read_tokens(path) if path.exists() else ()
    secret = secrets.token_urlsafe(32)
    tokens = [token for token in kept if token.caller.name != caller.name]
    tokens.append(Token(caller, digest(secret)))
    rows = [
        f'  {{"name": "{token.caller.name}", "role": "{token.caller.role.value}", '
        f'"sha256": "{token.digest.hex()}"}}'
        for token in tokens
    ]
    with atomic_open(path) as handle:
        Path(handle.name).chmod(0o600)
        handle.write('{"tokens": [\n' + ",\n".join(rows) + "\n]}\n")
    return secret


def digest(token: str) -> bytes:
    """What the file keeps of a token. Tokens are random, hence no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def holder(tokens: tuple[Token, ...], given: str) -> Token | None:
    """Whose token was given; every line is compared, each in constant time."""
    asked = digest(given)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, asked):
            found = token
    return found


def _token(path: str | Path, number: int, row: object) -> Token:
    where = f"{path}: token {number}"
    if not isinstance(row, dict) or set(row) != {"name", "role", "sha256"}:
        raise InputError(f"{where}: give name, role and sha256")
    if not isinstance(row["name"], str) or not NAME.fullmatch(row["name"]):
        raise InputError(f"{where}: name: 1 to 64 letters, digits, spaces and ._@-")
    if row["role"] not in set(Role):
        raise InputError(f"{where}: role: one of {', '.join(Role)}")
    if not isinstance(row["sha256"], str) or not re.fullmatch("[0-9a-f]{64}", row["sha256"]):
        raise InputError(f"{where}: sha256: 64 hexadecimal digits")
    return Token(Caller(row["name"], Role(row["role"])), bytes.fromhex(row["sha256"]))
