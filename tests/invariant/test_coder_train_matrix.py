"""DDP and ZeRO-1/2/3, one and two workers, in all three stages: the same losses to 1e-4.

Ten steps through the command line, on a two-layer model with the real tokenizer.
"""

from pathlib import Path

import pytest
from small_coder import rows, write_rows
from small_decoder import small_decoder
from user_commands import REPOSITORY, begin, report_of, sigkill, thce, wait_until

from thce.files import read_jsonl

pytestmark = pytest.mark.soak

TOLERANCE = 1e-4
STRATEGIES = {
    "ddp": "ddp",
    **{f"zero{stage}": REPOSITORY / f"configs/deepspeed/zero{stage}.json" for stage in (1, 2, 3)},
}


class Setting:
    """Rows, a base and a THCE_HOME that the commands of the file share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.base = str(small_decoder(folder / "model"))
        for stage in (1, 2, 3):
            write_rows(folder / f"stage_{stage}.jsonl", rows(stage, 80))

    def command(self, stage: int, name: str, **fields: object) -> list[object]:
        """`thce coder train` of ten steps."""
        given = {
            "init_from": "null",
            "model_name": self.base,
            "batch_size": 8,
            "micro_batch_size": 2,
            "max_steps": 10,
            "precision": "fp32",
            "learning_rate": 1e-3,
            "scaling.threads": 1,
        } | fields
        command: list[object] = ["coder", "train", "--json"]
        for file in (f"stage_{stage}", "cpu"):
            command += ["--config", REPOSITORY / "configs" / "coder" / f"{file}.yaml"]
        command += ["--data", self.folder / f"stage_{stage}.jsonl"]
        command += ["--output", self.folder / name]
        for field, value in given.items():
            command += ["--set", f"{field}={value}"]
        return command

    def losses(self, name: str) -> list[float]:
        """One a step."""
        return [line["loss"] for line in read_jsonl(self.folder / name / "metrics.jsonl")]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(tmp_path_factory.mktemp("coder-matrix"))


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_strategies_agree(setting: Setting, stage: int) -> None:
    report_of(thce(*setting.command(stage, f"alone-{stage}"), home=setting.home))
    expected = setting.losses(f"alone-{stage}")
    assert len(expected) == 10
    if stage == 3:
        assert expected[0] == pytest.approx(1.0, abs=1e-6)
    for name, strategy in STRATEGIES.items():
        fields = {"strategy": strategy, "scaling.workers": 2}
        command = setting.command(stage, f"{name}-{stage}", **fields)
        report_of(thce(*command, home=setting.home))
        assert setting.losses(f"{name}-{stage}") == pytest.approx(expected, abs=TOLERANCE), name


@pytest.mark.parametrize("strategy", ["ddp", "zero3"])
def test_killed_and_resumed_ends_with_the_losses_of_an_undisturbed_run(
    setting: Setting, strategy: str
) -> None:
    fields = {
        "strategy": STRATEGIES[strategy],
        "scaling.workers": 2,
        "checkpoint_every": 2,
        "max_steps": 20,
    }
    whole, cut = f"whole-{strategy}", f"cut-{strategy}"
    report_of(thce(*setting.command(2, whole, **fields), home=setting.home))
    log = setting.folder / f"{strategy}.log"
    process = begin(*setting.command(2, cut, **fields), home=setting.home, log=log)
    pattern = f"ray_train/coder-{cut}-*/checkpoint_*"
    wait_until(lambda: len(list(setting.home.glob(pattern))) > 1, process, log)
    sigkill(process)
    report_of(thce(*setting.command(2, cut, **fields), home=setting.home))
    assert setting.losses(cut) == pytest.approx(setting.losses(whole), abs=TOLERANCE)


def test_a_bundle_starts_the_next_stage(setting: Setting) -> None:
    output, bundle = setting.folder / "first", setting.folder / "bundle"
    report_of(thce(*setting.command(1, "first", max_steps=1), home=setting.home))
    made = thce(
        "coder", "bundle", "--model", output, "--output", bundle, "--json", home=setting.home
    )
    version = report_of(made)["version"]
    report_of(thce(*setting.command(2, "second", init_from=bundle, max_steps=1), home=setting.home))
    again = thce(
        "coder",
        "bundle",
        "--model",
        setting.folder / "second",
        "--output",
        setting.folder / "bundle-2",
        "--json",
        home=setting.home,
    )
    assert report_of(again)["version"] != version
    shown = thce("bundles", "show", setting.folder / "bundle-2", "--json", home=setting.home)
    assert report_of(shown)["parent"] == version
