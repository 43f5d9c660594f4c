"""constraints.txt pins every dependency, at versions that pyproject.toml allows."""

import ast
import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

NOT_OURS_TO_INSTALL = {
    "optimum": "Ray installs it into an environment of its own",
    "wandb": "metrics go there where a configuration asks for it",
    "llama_cpp": "a rival of `thce bench coder`, taken where it is there",
}


def _pins(repository: Path) -> dict[str, Version]:
    pins = {}
    for line in (repository / "constraints.txt").read_text(encoding="utf-8").splitlines():
        content = line.split("#")[0].strip()
        if content:
            name, _, version = content.partition("==")
            pins[canonicalize_name(name)] = Version(version)
    return pins


def _requirements(repository: Path) -> list[Requirement]:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    return [Requirement(line) for line in lines]


def test_every_requirement_is_pinned_within_its_bounds(repository: Path) -> None:
    pins = _pins(repository)
    for requirement in _requirements(repository):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} has no pin; run `make constraints`"
        assert requirement.specifier.contains(pin), f"{requirement}: pinned at {pin}"


def test_every_package_that_thce_imports_is_declared(repository: Path) -> None:
    declared = {canonicalize_name(requirement.name) for requirement in _requirements(repository)}
    owners = importlib.metadata.packages_distributions()
    modules = {
        module: path
        for folder in ("thce", "tests", "jobs")
        for path in sorted((repository / folder).rglob("*.py"))
        for module in _imported(path)
    }
    ours = {"thce", *(path.stem for path in (repository / "tests").glob("*.py"))}
    for module in set(modules) - ours - set(sys.stdlib_module_names) - set(NOT_OURS_TO_INSTALL):
        names = {canonicalize_name(name) for name in owners.get(module, ())}
        assert names & declared, f"{modules[module]} imports {module}: not in pyproject.toml"


def _imported(path: Path) -> set[str]:
    """The top-level packages that a file imports, inside its functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_every_dependency_says_why(repository: Path) -> None:
    lines = (repository / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start, end = lines.index("dependencies = ["), lines.index("[project.scripts]")
    entries = [line for line in lines[start:end] if line.strip().startswith('"')]
    assert len(entries) == len(_requirements(repository))
    silent = [line for line in entries if "#" not in line]
    assert not silent


def test_no_pin_names_a_place_to_download_from(repository: Path) -> None:
    text = (repository / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text.replace("https://pip.pypa.io", "")
    assert "+" not in "".join(line for line in text.splitlines() if not line.startswith("#"))


def test_what_is_installed_is_what_is_pinned(repository: Path) -> None:
    pins = _pins(repository)
    for requirement in _requirements(repository):
        installed = Version(importlib.metadata.version(requirement.name))
        if installed.local is not None:
            installed = Version(installed.public)
        pinned = pins[canonicalize_name(requirement.name)]
        if installed != pinned:
            pytest.fail(f"{requirement.name} {installed} is installed, {pinned} is pinned")
