""".env.example names every variable of ours, Ray's and W&B's that is read, and no other."""

import ast
import re
from pathlib import Path

OURS = re.compile(r"(THCE|RAY|WANDB)_[A-Z_]+")


def test_every_variable_that_the_code_reads_is_in_the_example(repository: Path) -> None:
    read = {
        name
        for folder in ("thce", "jobs", "tests")
        for path in (repository / folder).rglob("*.py")
        for name in _variables_read(path)
        if OURS.fullmatch(name)
    }
    assert {"THCE_HOME", "RAY_ADDRESS"} <= read
    assert read - _named(repository) == set()


def test_every_variable_of_the_example_is_read_or_explained(repository: Path) -> None:
    sources = [*(repository / "thce").rglob("*.py"), *(repository / "tests").rglob("*.py")]
    pages = [*(repository / "docs").glob("*.md"), *(repository / "cluster").rglob("*.yaml")]
    text = "".join(path.read_text(encoding="utf-8") for path in [*sources, *pages])
    assert {name for name in _named(repository) if name not in text} == set()


def _named(repository: Path) -> set[str]:
    text = (repository / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))


def _variables_read(path: Path) -> set[str]:
    """Names given to os.environ.get, os.getenv and os.environ[...] where it is read."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called, key = ast.unparse(node.func), next(iter(node.args), None)
            is_read = called in {"os.environ.get", "os.getenv"}
        elif isinstance(node, ast.Subscript):
            key = node.slice
            is_read = ast.unparse(node.value) == "os.environ" and isinstance(node.ctx, ast.Load)
        else:
            continue
        if is_read and isinstance(key, ast.Constant):
            names.add(key.value)
    return names
