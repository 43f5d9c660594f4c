"""Fixtures that every tier shares: the shipped corpora and one small Ray for the session."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return REPOSITORY


@pytest.fixture(scope="session")
def registry_data() -> Path:
    """The folder of the shipped fictional registry notes."""
    return REPOSITORY / "data" / "registry"


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A local Ray of two CPUs for the whole session, so that start-up is paid once."""
    import ray

    from thce.engine import start_ray

    start_ray(cpus=2, worker_logs=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the tests of one module share, with a THCE_HOME of its own in `home`."""
    folder = tmp_path_factory.mktemp("module")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THCE_HOME", str(folder / "home"))
        yield folder


@pytest.fixture(scope="session")
def evaluation_data() -> Path:
    """The folder of evaluation data that is never shipped; absent, the test says so and skips."""
    folder = os.environ.get("THCE_EVAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("THCE_EVAL_DATA names no folder: evaluation data is not part of the product")
    return Path(folder)
