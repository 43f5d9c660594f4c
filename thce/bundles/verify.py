"""A bundle on local disk, and the checks it must pass before anything in it is used."""

from dataclasses import dataclass
from pathlib import Path

from thce.bundles.kinds import kind_named
from thce.bundles.manifest import MANIFEST_FILE, Manifest, WeightsEntry, parse_manifest
from thce.errors import InputError
from thce.files import sha256_file


@dataclass(frozen=True)
class Bundle:
    """A checked bundle on local disk."""

    folder: Path
    manifest: Manifest

    @property
    def version(self) -> str:
        """The content hash that names the bundle."""
        return self.manifest.version

    def path(self, name: str) -> Path:
        """The local path of one of its files or folders."""
        return self.folder / name

    def weights(self, name: str | None = None) -> tuple[str, WeightsEntry]:
        """The named weights, or the default ones.

        Raises:
            InputError: the bundle has no weights of that name.
        """
        chosen = name or self.manifest.default_weights
        try:
            return chosen, self.manifest.weights[chosen]
        except KeyError:
            held = ", ".join(sorted(self.manifest.weights))
            raise InputError(f"{self.folder}: no weights {chosen!r}; it holds {held}") from None


def verify_folder(folder: Path, shown: str | None = None) -> Bundle:
    """Checks a local bundle folder completely: manifest, kind, labels, files, thresholds.

    Args:
        folder: where the files lie.
        shown: the place that errors name, where it is not the folder itself.

    Raises:
        InputError: naming the file that does not match.
    """
    where = shown or str(folder)
    try:
        content = (folder / MANIFEST_FILE).read_bytes()
    except OSError as error:
        raise InputError(
            f"{where}/{MANIFEST_FILE}: {error.strerror}; {where} is not a bundle"
        ) from None
    manifest = parse_manifest(content, f"{where}/{MANIFEST_FILE}")
    _check_kind(manifest, where)
    _check_files(manifest, folder, where)
    _check_content(manifest, folder, where)
    return Bundle(folder, manifest)


def list_files(folder: Path) -> list[str]:
    """Every file below a bundle folder but the manifest, as sorted relative paths.

    Raises:
        InputError: a symbolic link, or something that is neither file nor folder, lies there.
    """
    names = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InputError(f"{path}: a bundle holds plain files only, no links")
        if path.is_file() and path != folder / MANIFEST_FILE:
            names.append(path.relative_to(folder).as_posix())
    return names


def _check_kind(manifest: Manifest, where: str) -> None:
    kind = kind_named(manifest.kind, f"{where}/{MANIFEST_FILE}")
    if manifest.labels != kind.labels:
        raise InputError(
            f"{where}/{MANIFEST_FILE}: labels: not the {kind.name} labels in their order"
        )
    for name in kind.required:
        if name not in manifest.files:
            raise InputError(f"{where}/{MANIFEST_FILE}: files: a {kind.name} bundle needs {name}")


def _check_files(manifest: Manifest, folder: Path, where: str) -> None:
    present = set(list_files(folder))
    for name in sorted(present - manifest.files.keys()):
        raise InputError(f"{where}/{name}: not in {MANIFEST_FILE}; remove it or build anew")
    for name, entry in manifest.files.items():
        path = folder / name
        if name not in present:
            raise InputError(f"{where}/{name}: in {MANIFEST_FILE} but absent")
        if path.stat().st_size != entry.bytes or sha256_file(path) != entry.sha256:
            raise InputError(f"{where}/{name}: its content is not what {MANIFEST_FILE} recorded")


def _check_content(manifest: Manifest, folder: Path, where: str) -> None:
    thresholds = {name: entry.thresholds for name, entry in manifest.weights.items()}
    try:
        kind_named(manifest.kind, where).check(folder, thresholds)
    except InputError as error:
        raise InputError(str(error).replace(str(folder), where)) from None
