"""A channel: a folder of published bundles, and the ledger that says which one is champion.

The ledger is one small file, `champion.json`, replaced as a whole, so that a reader sees the
champion before a promotion or the one after it and never something between.
"""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from thce.bundles.storage import read_bytes, write_bytes
from thce.errors import InputError
from thce.paths import home, is_remote
from thce.paths import resolve as absolute

LEDGER_FILE = "champion.json"
CHAMPION_PREFIX = "champion:"


class LedgerEntry(BaseModel):
    """One promotion or rollback, with what it was decided on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["promote", "rollback"]
    version: str
    at: str
    gate: dict[str, Any] | None = None
    evidence: dict[str, Any] | None = None


class Ledger(BaseModel):
    """The history of a channel, oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    history: tuple[LedgerEntry, ...] = ()

    @model_validator(mode="after")
    def _replays(self) -> "Ledger":
        depth = 0
        for entry in self.history:
            depth += 1 if entry.action == "promote" else -1
            if depth < 1:
                raise ValueError("a rollback without an earlier champion")
        return self

    @property
    def stack(self) -> list[str]:
        """Versions in the order of promotion, without those rolled back; the last is champion."""
        versions: list[str] = []
        for entry in self.history:
            if entry.action == "promote":
                versions.append(entry.version)
            else:
                versions.pop()
        return versions

    @property
    def champion(self) -> str | None:
        """The version that `champion:CHANNEL` names now."""
        return self.stack[-1] if self.stack else None


def channel_folder(channel: str) -> str:
    """The folder of a channel: a path or URL as given, a bare name under THCE_HOME."""
    if is_remote(channel):
        return channel.rstrip("/")
    if "/" in channel:
        return absolute(channel)
    return str(home() / channel / "bundles")


def read_ledger(channel: str) -> Ledger:
    """The ledger of a channel, empty where nothing was promoted yet.

    Raises:
        InputError: the ledger is not readable or not valid.
    """
    folder = channel_folder(channel)
    content = read_bytes(folder, LEDGER_FILE)
    if content is None:
        return Ledger()
    try:
        return Ledger.model_validate_json(content)
    except ValidationError:
        raise InputError(
            f"{folder}/{LEDGER_FILE}: not a valid ledger; restore it from a backup"
        ) from None


def append(channel: str, ledger: Ledger, entry: LedgerEntry) -> Ledger:
    """Writes the ledger with one more entry, atomically, and returns it."""
    longer = Ledger(history=(*ledger.history, entry))
    content = longer.model_dump_json(indent=2, exclude_none=True) + "\n"
    write_bytes(channel_folder(channel), LEDGER_FILE, content.encode())
    return longer


def resolve(model: str) -> str:
    """The path of a bundle from what the user gave: a path, a URL or `champion:CHANNEL`.

    Raises:
        InputError: the channel has no champion.
    """
    if not model.startswith(CHAMPION_PREFIX):
        return absolute(model)
    channel = model.removeprefix(CHAMPION_PREFIX)
    champion = read_ledger(channel).champion
    if champion is None:
        raise InputError(
            f"{model}: no bundle was promoted in {channel_folder(channel)}; "
            "give a bundle's path, or promote one with `thce bundles promote`"
        )
    return f"{channel_folder(channel)}/{champion}"


def now() -> str:
    """The time of day in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
