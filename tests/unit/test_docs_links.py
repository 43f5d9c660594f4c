"""Links between the pages lead somewhere, and the index knows every page."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def _links(page: Path) -> set[str]:
    """Relative targets, without what stands in code and without anchors."""
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)}
    return {target for target in targets if target and "://" not in target}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    assert {target for target in _links(page) if not (page.parent / target).exists()} == set()


def test_the_index_has_every_page() -> None:
    index = REPOSITORY / "docs" / "index.md"
    pages = {page.name for page in PAGES if page.parent.name == "docs"} - {index.name}
    assert pages - _links(index) == set()
