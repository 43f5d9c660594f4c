"""The command line as a user meets it: exit codes, one clear line, speed of --help."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from user_commands import thce


def test_help_is_quick_and_names_every_system(tmp_path: Path) -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = thce("--help", home=tmp_path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert all(
        name in done.stdout for name in ("registry", "notes", "annotations", "bundles", "bench")
    )
    assert min(seconds) < 1.0  # of processor time: the machine may be busy


def test_help_loads_no_heavy_library() -> None:
    heavy = ("ray", "torch", "transformers", "pandas", "pyarrow", "numpy")
    script = f"import sys, thce.cli; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["registry", "hydrate", "--input", "absent.jsonl", "--output", "out"],
        ["registry", "hydrate", "--config", "absent.yaml"],
        ["registry", "dataset", "--hydrated", "absent", "--output", "out"],
        ["registry", "train", "--dataset", "absent", "--output", "out"],
        ["registry", "train", "--dataset", "absent", "--output", "out", "-s", "learnin_rate=1"],
        ["registry", "export", "--model", "absent", "--dataset", "absent", "--output", "out"],
        ["registry", "score", "--model", "absent", "--input", "absent", "--output", "out"],
        ["registry", "evaluate", "--model", "absent", "--input", "absent"],
        ["registry", "sample", "--hydrated", "absent", "--output", "out.jsonl"],
        ["registry", "loop", "--notes", "absent.jsonl", "--output", "out"],
        ["notes", "prepare", "--input", "absent.jsonl", "--output", "out.jsonl"],
        ["annotations", "status", "--store", "absent.sqlite"],
        ["bundles", "verify", "absent"],
        ["weights", "fetch", "no-such-weights"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_bad_input_ends_with_2_and_one_line(arguments: list[str], tmp_path: Path) -> None:
    done = thce(*arguments, home=tmp_path / "home", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("thce: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_labels_are_listed_in_order(tmp_path: Path) -> None:
    done = thce("registry", "labels", "--json", home=tmp_path)
    rows = json.loads(done.stdout)
    assert len(rows) == 29
    assert rows[0]["flag"] == "diagnostic_bronchoscopy"


def test_doctor_says_what_to_do_about_missing_weights(tmp_path: Path) -> None:
    done = thce("doctor", "--json", home=tmp_path)
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert set(checks) >= {"python", "compiler", "memory", "weights", "ray", "packages"}
    assert done.returncode == 1
    assert not checks["weights"]["ok"]
    assert checks["weights"]["remedy"] == "thce weights fetch minilm"
    assert checks["packages"]["ok"], checks["packages"]["found"]


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        (
            "hydrate.py",
            ["input=a.jsonl", "output=relative/out"],
            "output: 'relative/out' is relative",
        ),
        ("score.py", ["model=m", "input=i", "output=out"], "output: 'out' is relative"),
        ("train_registry.py", ["--config"], "--config: give the path"),
        ("loop.py", ["--workers", "3"], "--workers: unknown"),
    ],
)
def test_jobs_refuse_what_would_be_lost(
    repository: Path, script: str, arguments: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, str(repository / "jobs" / script), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
