"""Every command with input it cannot use: exit code 2, one clear line, no traceback.

`test_bad_coder_input.py` has the coder's, and `test_command_line.py` starts real processes.
"""

from pathlib import Path

import pytest
from bad_input import CONFIGS, OPTIONS, said_by, write_wrong_files

STEPS = (
    *("hydrate", "dataset", "train", "export", "score", "evaluate", "sample", "loop"),
    *("abstain", "crossval", "audit"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every wrong kind."""
    path = tmp_path_factory.mktemp("bad")
    contents = {
        "empty.jsonl": b"",
        "empty.csv": b"",
        "empty.parquet": b"",
        "empty.json": b"",
        "empty.sqlite": b"",
        "text.sqlite": b"no database " * 500,
        "bin.jsonl": bytes(range(256)),
        "good.jsonl": b'{"id": "e1", "text": "EBUS of 4R."}\n',
        "other.csv": b"a,b\n1,2\n",
    }
    write_wrong_files(path, contents)
    return path


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_that_is_none(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    step: str,
    config: str,
) -> None:
    said = said_by(["registry", step, "--config", config], folder, monkeypatch, capsys)
    assert CONFIGS[config].lower() in said.lower()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("options", "expected"),
    [*OPTIONS.values(), ([], "field required")],
    ids=[*OPTIONS, "nothing"],
)
def test_options_that_are_none(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    step: str,
    options: list[str],
    expected: str,
) -> None:
    assert expected in said_by(["registry", step, *options], folder, monkeypatch, capsys)


TRAIN = ["registry", "train", "--dataset", "absent", "--output", "out", "-s"]
TRAIN_TO = ["registry", "train", "--dataset", "absent", "--output"]
LOOP = ["registry", "loop", "--notes", "good.jsonl", "--output", "out"]
SAMPLE = ["registry", "sample", "--hydrated", "absent", "--output", "out.jsonl"]
IMPORT = ["annotations", "import", "--store", "new.sqlite"]
PREPARE = ["notes", "prepare", "--output", "out.jsonl", "--input"]
COMMANDS: dict[str, tuple[list[str], str]] = {
    "notes absent": ([*PREPARE, "absent.jsonl"], "absent.jsonl: "),
    "notes empty": ([*PREPARE, "empty.jsonl"], "empty.jsonl: no rows"),
    "notes empty CSV": ([*PREPARE, "empty.csv"], "empty.csv: no rows"),
    "notes empty Parquet": ([*PREPARE, "empty.parquet"], "empty.parquet: "),
    "notes binary": ([*PREPARE, "bin.jsonl"], "bin.jsonl: "),
    "notes folder": ([*PREPARE, "dir"], "dir: "),
    "notes glob": ([*PREPARE, "no*such.jsonl"], "no*such.jsonl: "),
    "notes storage": ([*PREPARE, "s3x://bucket/notes"], "s3x://bucket/notes: "),
    "notes nothing": ([*PREPARE, ""], "a path is empty"),
    "notes without input": (["notes", "prepare"], "Missing option '--input'"),
    "output kind": (["notes", "prepare", "--input", "good.jsonl", "--output", "o.txt"], "output: "),
    "limit": ([*PREPARE, "good.jsonl", "--max-bad", "200"], "200 is no percentage"),
    "limit no number": ([*PREPARE, "good.jsonl", "--max-bad", "x"], "Invalid value"),
    "check": (["notes", "check", "--input", "absent"], "absent"),
    "planted absent": (["notes", "recall", "--planted", "absent"], "absent: "),
    "planted empty": (["notes", "recall", "--planted", "empty.jsonl"], "empty.jsonl: "),
    "planted other": (["notes", "recall", "--planted", "good.jsonl"], "good.jsonl:1: "),
    "hydrated empty": (
        ["registry", "dataset", "--hydrated", "empty.parquet", "--output", "o"],
        "empty.parquet: not readable as Parquet",
    ),
    "hydrated folder empty": (
        ["registry", "dataset", "--hydrated", "dir", "--output", "o"],
        "dir: no Parquet file there; give what the step before wrote",
    ),
    "human": (
        ["registry", "dataset", "--hydrated", "absent", "--human", "other.csv", "--output", "o"],
        "absent: no Parquet file",
    ),
    "epochs": ([*TRAIN, "epochs=0"], "epochs: input should be greater"),
    "epochs no number": ([*TRAIN, "epochs=x"], "epochs: input should be a valid integer"),
    "strategy": ([*TRAIN, "strategy=zero9"], "strategy: zero9: neither 'ddp' nor"),
    "strategy empty": ([*TRAIN, "strategy=empty.json"], "empty.json: not valid JSON"),
    "init_from": ([*TRAIN, "init_from=dir"], "init_from: dir: no model/model.safetensors"),
    "precision": ([*TRAIN, "precision=fp8"], "precision: input should be 'auto'"),
    "scaling": ([*TRAIN, "scaling.nope=1"], "scaling.nope: unknown name"),
    "scaling no group": ([*TRAIN, "scaling=3"], "scaling: "),
    "model folder": ([*TRAIN, "model_name=./absent"], "model_name: ./absent: no such folder"),
    "remote output": ([*TRAIN_TO, "s3://bucket/x"], "output: training writes to a local"),
    "foreign output": ([*TRAIN_TO, "."], "holds something else; give a new folder"),
    "file as output": ([*TRAIN_TO, "good.jsonl"], "good.jsonl is a file; give a folder"),
    "hydrate over others": (
        ["registry", "hydrate", "--input", "good.jsonl", "--output", "."],
        "holds something else; give a new folder",
    ),
    "rounds": ([*LOOP, "-s", "rounds=-1"], "rounds: input should be greater"),
    "annotator": ([*LOOP, "--annotator", "me"], "annotator: input should be 'oracle'"),
    "oracle with answers": ([*LOOP, "--answers", "good.jsonl"], "answers are for annotator=file"),
    "loop strategy": ([*LOOP, "-s", "strategy=best"], "strategy: input should be"),
    "fractions": ([*LOOP, "-s", "fractions.train=2"], "fractions"),
    "few notes": (LOOP, "1 notes are too few"),
    "loop output": ([*LOOP[:-1], "good.jsonl/x"], "Not a directory"),
    "sample strategy": ([*SAMPLE, "--strategy", "best"], "strategy: input should be"),
    "sample limit": ([*SAMPLE, "--limit", "0"], "limit: input should be greater"),
    "sample scores without model": (
        [*SAMPLE, "--scores", "absent"],
        "give scores and the model that made them together",
    ),
    "sample model without scores": (
        [*SAMPLE, "--model", "absent"],
        "give scores and the model that made them together",
    ),
    "no champion": (
        ["registry", "score", "--model", "champion:none", "--input", "x", "--output", "o"],
        "no bundle was promoted",
    ),
    "bundle": (["bundles", "verify", "good.jsonl"], "Not a directory"),
    "bundle folder": (["bundles", "show", "dir"], "is not a bundle"),
    "promote": (["bundles", "promote", "dir", "--channel", "./channel"], "is not a bundle"),
    "roll back": (["bundles", "rollback", "--channel", "./channel"], "no earlier champion"),
    "weights": (["weights", "fetch", "nope"], "weights 'nope': not one of"),
    "weights absent": (["weights", "verify", "mpnet"], "not fetched yet"),
    "store absent": (["annotations", "status", "--store", "absent.sqlite"], "absent.sqlite: "),
    "store empty": (["annotations", "status", "--store", "empty.sqlite"], "empty.sqlite: "),
    "store other": (["annotations", "leases", "--store", "text.sqlite"], "not an annotation store"),
    "delete": (["annotations", "delete", "e1", "--store", "absent.sqlite"], "absent.sqlite: "),
    "import nothing": (IMPORT, "give either --prodigy-dataset or --input"),
    "import absent": ([*IMPORT, "--input", "absent"], "absent: No such file"),
    "import empty": ([*IMPORT, "--input", "empty.jsonl"], "no line is an answer; it is empty"),
    "import batch": ([*IMPORT, "--input", "good.jsonl"], "no line is an answer; line 1: answer"),
    "restore": (["annotations", "restore", "text.sqlite", "--store", "n.sqlite"], "text.sqlite: "),
    "resolve": (
        ["annotations", "resolve", "e1", "--by", "me", "--true", "nope"],
        "flag 'nope' is not in the registry",
    ),
    "no such command": (["registry", "fly"], "No such command 'fly'"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_input_that_a_command_cannot_use(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    arguments, expected = COMMANDS[name]
    said = said_by(arguments, folder, monkeypatch, capsys)
    assert expected in said
