"""Opening a bundle, wherever it lies: nothing is handed out before all of it was checked."""

from pathlib import Path

from thce.bundles.channel import resolve
from thce.bundles.fetch import fetch
from thce.bundles.manifest import MANIFEST_FILE
from thce.bundles.verify import Bundle, verify_folder
from thce.errors import InputError
from thce.paths import is_remote

__all__ = ["Bundle", "open_bundle"]


def open_bundle(model: str | Path, kind: str | None = None) -> Bundle:
    """Opens a bundle after checking schema, kind, labels, thresholds and every hash.

    Args:
        model: a local folder, an fsspec URL (fetched into the cache under THCE_HOME by
            version), or `champion:CHANNEL`.
        kind: the kind the caller can use; None takes any.

    Raises:
        InputError: there is no bundle, or something in it does not match; the file is named.
    """
    path = resolve(str(model))
    bundle = fetch(path) if is_remote(path) else verify_folder(Path(path))
    if kind is not None and bundle.manifest.kind != kind:
        raise InputError(
            f"{path}/{MANIFEST_FILE}: kind is {bundle.manifest.kind!r}, expected {kind!r}"
        )
    return bundle
