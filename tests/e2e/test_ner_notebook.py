"""docs/ner-report.ipynb runs from its first cell to its last, and was committed after a run."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from small_ner import exported

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "ner-report.ipynb"


def _read() -> Any:
    import nbformat

    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("NER_MODEL", str(exported().bundle))
    monkeypatch.setenv("THCE_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(NOTEBOOK.parents[1])]))
    notebook = _read()
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    client.execute()
    said = str([cell.get("outputs") for cell in notebook.cells])
    assert said.count("<svg") == 7
    assert "test documents with" in said
    assert (tmp_path / "ner" / "notebook" / "report.html").is_file()


def test_the_committed_notebook_shows_a_run_and_no_machine() -> None:
    notebook = _read()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = str([cell.outputs for cell in cells])
    assert outputs.count("<svg") == 7
    assert "Traceback" not in outputs
    assert not re.search(r"/(home|root|tmp|work|Users)/", outputs)
