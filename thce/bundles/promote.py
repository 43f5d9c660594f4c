"""Promotion past a champion by a gate, and the way back."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from thce.bundles.channel import Ledger, LedgerEntry, append, channel_folder, now, read_ledger
from thce.bundles.gate import Evidence, Gate
from thce.bundles.kinds import kind_named
from thce.bundles.load import Bundle, open_bundle
from thce.bundles.publish import publish
from thce.errors import InputError
from thce.paths import is_remote

DEFAULT_GATE = Gate()


def promote(
    candidate: str, channel: str, gate: Gate = DEFAULT_GATE, test: str | None = None
) -> Ledger:
    """Publishes a bundle into a channel and makes it champion if it passes the gate.

    The first bundle of a channel has no champion to pass and needs no test. Promoting the
    champion itself changes nothing.

    Args:
        candidate: a bundle's path or URL.
        channel: a channel's name, folder or URL.
        gate: what to ask.
        test: the frozen test set, on which candidate and champion are measured in one run.

    Raises:
        InputError: the candidate is not a valid bundle, is of another kind than the champion, or
            the test is missing or not valid.
        Finding: the gate failed; the champion stays.
    """
    bundle = open_bundle(candidate)
    with _lock(channel):
        ledger = read_ledger(channel)
        if ledger.champion == bundle.version:
            return ledger
        entry = LedgerEntry(action="promote", version=bundle.version, at=now())
        if ledger.champion is not None:
            evidence = _measure(bundle, channel, ledger.champion, test)
            gate.check(evidence)
            decided_on = {"gate": _plain(gate), "evidence": evidence.model_dump()}
            entry = entry.model_copy(update=decided_on)
        publish(bundle.folder, f"{channel_folder(channel)}/{bundle.version}")
        return append(channel, ledger, entry)


def rollback(channel: str) -> Ledger:
    """Makes the champion before the present one champion again.

    Raises:
        InputError: there is no earlier champion, or it no longer passes its checks.
    """
    with _lock(channel):
        ledger = read_ledger(channel)
        if len(ledger.stack) < 2:
            raise InputError(f"{channel_folder(channel)}: no earlier champion to roll back to")
        previous = ledger.stack[-2]
        open_bundle(f"{channel_folder(channel)}/{previous}")
        return append(channel, ledger, LedgerEntry(action="rollback", version=previous, at=now()))


def _measure(candidate: Bundle, channel: str, champion: str, test: str | None) -> Evidence:
    if test is None:
        raise InputError(
            f"champion {champion} stands: give --test, the frozen test set, on which "
            f"{candidate.version} is measured against it"
        )
    kind = candidate.manifest.kind
    standing = open_bundle(f"{channel_folder(channel)}/{champion}", kind)
    return kind_named(kind, str(candidate.folder)).contest(candidate, standing, test)


def _plain(gate: Gate) -> dict[str, Any]:
    return {name: value for name, value in asdict(gate).items() if value is not None}


@contextmanager
def _lock(channel: str) -> Iterator[None]:
    """One promotion at a time on local disk; a remote channel has one promoting job."""
    folder = channel_folder(channel)
    if is_remote(folder):
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(Path(folder) / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
