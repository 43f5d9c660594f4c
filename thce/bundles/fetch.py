"""Fetching a remote bundle into the cache under THCE_HOME, once per version."""

import shutil
from dataclasses import replace
from pathlib import Path

from thce.bundles.manifest import MANIFEST_FILE, Manifest, parse_manifest
from thce.bundles.storage import Remote, beside, settle
from thce.bundles.verify import Bundle, verify_folder
from thce.errors import InputError
from thce.paths import home


def fetch(url: str) -> Bundle:
    """The local copy of a remote bundle; a version that is already cached is not fetched again.

    The copy appears under its final name only when it is complete and checked. A cached copy
    that was damaged since is replaced.

    Raises:
        InputError: there is no bundle at the URL (a part-published one has no manifest yet), or
            what was fetched does not match its manifest.
    """
    remote = Remote(url)
    try:
        content = remote.read(MANIFEST_FILE)
    except FileNotFoundError:
        raise InputError(f"{url}/{MANIFEST_FILE}: no such object; {url} is not a bundle") from None
    manifest = parse_manifest(content, f"{url}/{MANIFEST_FILE}")
    cached = home() / "bundles" / manifest.version
    if cached.is_dir():
        try:
            return verify_folder(cached)
        except InputError:
            shutil.rmtree(cached, ignore_errors=True)
    return _download(remote, manifest, content, cached)


def _download(remote: Remote, manifest: Manifest, content: bytes, cached: Path) -> Bundle:
    temporary = beside(cached)
    try:
        for name in manifest.files:
            try:
                remote.download(name, temporary / name)
            except FileNotFoundError:
                raise InputError(f"{remote.url}/{name}: in {MANIFEST_FILE} but absent") from None
        temporary.mkdir(parents=True, exist_ok=True)
        (temporary / MANIFEST_FILE).write_bytes(content)
        bundle = verify_folder(temporary, shown=remote.url)
        settle(temporary, cached)
        return replace(bundle, folder=cached)
    except OSError as error:
        raise InputError(f"{cached}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
