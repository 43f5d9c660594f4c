"""Publishing a bundle: a reader sees the whole of it or nothing."""

import shutil
from pathlib import Path

from thce.bundles.manifest import MANIFEST_FILE, parse_manifest
from thce.bundles.storage import Remote, beside, read_bytes, settle
from thce.bundles.verify import Bundle, verify_folder
from thce.errors import InputError
from thce.paths import is_remote, resolve


def publish(staging: Path, destination: str) -> str:
    """Copies a built bundle to its final place.

    On local disk the copy is made beside the destination, synced and renamed. On remote storage
    the manifest goes up last: without it there is no bundle. Publishing the same version again
    changes nothing.

    Args:
        staging: a folder that `build` finished.
        destination: the bundle's own folder: a local path or an fsspec URL.

    Returns:
        The destination, absolute.

    Raises:
        InputError: the staging folder is not a valid bundle, or another bundle or anything else
            already lies at the destination.
    """
    bundle = verify_folder(staging)
    target = resolve(destination)
    if _already_there(bundle, target):
        return target
    if is_remote(target):
        _upload(bundle, Remote(target))
    elif not _copy(bundle, Path(target)) and not _already_there(bundle, target):
        raise InputError(f"{target}: not a bundle, and in the way; choose another destination")
    return target


def _already_there(bundle: Bundle, target: str) -> bool:
    content = read_bytes(target, MANIFEST_FILE)
    if content is None:
        return False
    found = parse_manifest(content, f"{target}/{MANIFEST_FILE}").version
    if found != bundle.version:
        raise InputError(
            f"{target}: holds bundle {found}, not {bundle.version}; choose another destination"
        )
    return True


def _upload(bundle: Bundle, remote: Remote) -> None:
    for name in bundle.manifest.files:
        remote.upload(bundle.path(name), name)
    remote.write(MANIFEST_FILE, bundle.path(MANIFEST_FILE).read_bytes())


def _copy(bundle: Bundle, target: Path) -> bool:
    temporary = beside(target)
    try:
        for name in (*bundle.manifest.files, MANIFEST_FILE):
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.path(name), temporary / name)
        return settle(temporary, target)
    except OSError as error:
        raise InputError(f"{target}: cannot publish: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
