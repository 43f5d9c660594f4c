"""What `ray job submit` sends, and the scripts that it starts."""

import ast
import importlib
import zipfile
from pathlib import Path

import pytest
from ray._private.runtime_env.packaging import create_package

from thce.config import Config

JOBS = sorted(Path(__file__).resolve().parents[2].joinpath("jobs").glob("*.py"))
LARGEST_WORKING_DIRECTORY = 6 * 1024**2


@pytest.fixture(scope="module")
def package(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory as Ray would send it."""
    target = tmp_path_factory.mktemp("package") / "package.zip"
    create_package(str(repository), target, include_gitignore=True, logger=None)
    return target


def test_the_working_directory_is_small(package: Path) -> None:
    assert package.stat().st_size < LARGEST_WORKING_DIRECTORY


def test_the_working_directory_holds_what_a_job_reads_and_no_more(
    repository: Path, package: Path
) -> None:
    sent = {Path(name).parts[0] for name in zipfile.ZipFile(package).namelist()}
    assert {"jobs", "thce", "configs", "data"} <= sent
    assert not sent & {".git", ".venv", ".env", "tests", "docs", "cluster"}
    whole = set(zipfile.ZipFile(package).namelist())
    for folder in ("jobs", "configs", "thce"):
        for path in (repository / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(repository).as_posix() in whole


@pytest.mark.parametrize("script", JOBS, ids=lambda path: path.stem)
def test_a_job_runs_a_step_and_says_how_it_is_submitted(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    assert f"python jobs/{script.name} --config FILE" in (ast.get_docstring(tree) or "")
    call = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "run_job"
    )
    module, config_class = (ast.literal_eval(argument) for argument in call.args[:2])
    step = importlib.import_module(module)
    assert callable(step.run)
    config = getattr(step, config_class)
    assert issubclass(config, Config)
    assert "output" in config.model_fields  # whose path `run_job` demands to be absolute


def test_every_job_is_documented(repository: Path) -> None:
    page = (repository / "docs" / "jobs.md").read_text(encoding="utf-8")
    missing = [script.name for script in JOBS if f"`jobs/{script.name}`" not in page]
    assert not missing
