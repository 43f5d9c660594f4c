import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from thce.bench.label_efficiency import LabelEfficiencyConfig, run
from thce.cli import app
from thce.errors import InputError

SMALL = ["splits=2", "seeds=2", "start=8", "batch=4", "rounds=2", "rare_flags=6"]


@pytest.fixture(scope="module")
def outcome(registry_data: Path, tmp_path_factory: pytest.TempPathFactory):
    """The command on the 58 notes of one author: its lines and its folder."""
    folder = tmp_path_factory.mktemp("bench")
    notes = str(registry_data / "registry_notes_c.jsonl")
    arguments = ["bench", "loop", "--config", "", "--notes", notes, "--output", str(folder)]
    sets = [word for one in SMALL for word in ("--set", one)]
    config = folder / "empty.yaml"
    config.write_text("")
    arguments[3] = str(config)
    done = CliRunner().invoke(app, [*arguments, *sets], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout, folder


def test_one_json_line_per_strategy_and_setting(outcome):
    lines = [json.loads(line) for line in outcome[0].splitlines() if line.startswith("{")]
    settings = {(line["pool"], line["signals"]) for line in lines}
    assert len(settings) == 4
    assert len(lines) == 4 * 5
    for setting in settings:
        part = [line for line in lines if (line["pool"], line["signals"]) == setting]
        assert {line["strategy"] for line in part} == {
            "disagreement",
            "uncertainty",
            "random",
            "rare_boost",
            "hybrid",
        }
        random = next(line for line in part if line["strategy"] == "random")
        assert random["share_of_random_labels"][0] <= 1
        assert random["area_macro_f1_less_random"] == [0, 0, 0]
        assert random["budget"] == 16
        for line in part:
            assert 0 < line["area_micro_f1"][0] < 1
            low, high = line["area_macro_f1_less_random"][1:]
            assert low <= line["area_macro_f1_less_random"][0] <= high


def test_the_report_stands_alone_and_shows_every_setting(outcome):
    stdout, folder = outcome
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg ") == 8
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "Optimistic on notes that the rules were corrected on" in page
    assert "linear probe" in page
    assert (folder / "results.jsonl").read_text(encoding="utf-8").splitlines() == [
        line for line in stdout.splitlines() if line.startswith("{")
    ]


@pytest.mark.parametrize("processes", [1, 3])
def test_the_same_settings_give_the_same_figures_in_any_number_of_processes(
    outcome, registry_data, tmp_path, processes
):
    again = run(
        LabelEfficiencyConfig(
            notes=[str(registry_data / "registry_notes_c.jsonl")],
            output=str(tmp_path),
            pools=["as given"],
            signals=["form and codes"],
            processes=processes,
            **{name: int(value) for name, value in (one.split("=") for one in SMALL)},
        )
    )
    lines = [json.loads(line) for line in outcome[0].splitlines() if line.startswith("{")]
    for one, line in zip(again["results"], lines, strict=False):
        assert one | {"seconds": 0} == line | {"seconds": 0}


def test_neither_ray_nor_trainers_nor_onnx_are_needed(registry_data, tmp_path):
    """A machine that only plays courses has none of them; no process of the command loads one."""
    absent = ["ray", "deepspeed", "onnx", "onnxruntime", "transformers"]
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({absent}))\n"
    )
    (tmp_path / "empty.yaml").write_text("")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    sets = [word for one in [*SMALL, "splits=5", "seeds=1"] for word in ("--set", one)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "thce.cli", "bench", "loop", *sets, "--set", "processes=2"),
            *("--config", str(tmp_path / "empty.yaml"), "--output", str(tmp_path / "bench")),
            *("--notes", str(registry_data / "registry_notes_c.jsonl")),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4 * 5


def test_a_budget_beyond_the_pool_is_refused(registry_data, tmp_path):
    config = LabelEfficiencyConfig(
        notes=[str(registry_data / "registry_notes_c.jsonl")], output=str(tmp_path), rounds=20
    )
    with pytest.raises(InputError, match=r"the pool \(as given\) holds 4. notes.*fewer rounds"):
        run(config)


def test_without_random_there_is_nothing_to_compare_with(tmp_path):
    with pytest.raises(ValueError, match="random is the baseline"):
        LabelEfficiencyConfig(notes=["n"], output="o", strategies=["hybrid"])
