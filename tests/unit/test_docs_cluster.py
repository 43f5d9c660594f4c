"""docs/cluster.md: its costs come out as printed, and what it names is there."""

import contextlib
import io
import re
from pathlib import Path


def _page(repository: Path) -> str:
    return (repository / "docs" / "cluster.md").read_text(encoding="utf-8")


def test_the_costs_are_what_the_formula_gives(repository: Path) -> None:
    found = re.search(r"```python\n(.*?)```\n```\n(.*?)```", _page(repository), re.DOTALL)
    assert found is not None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(found[1], {})
    assert printed.getvalue() == found[2]


def test_the_measured_figures_are_those_of_the_other_pages(repository: Path) -> None:
    benchmarks = (repository / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    log = (repository / "docs" / "log.md").read_text(encoding="utf-8")
    page = _page(repository)
    assert "56.3 / 2" in page and "| 56.3 notes/s |" in benchmarks
    assert "(90 + 149 + 165)" in page and "took 90, 149 and 165 s" in log
    assert "2 * 62" in page and "1:02 min on two busy cores" in log


def test_every_cluster_file_is_on_the_page(repository: Path) -> None:
    files = (repository / "cluster").rglob("*.yaml")
    missing = [path.name for path in files if path.name not in _page(repository)]
    assert not missing
