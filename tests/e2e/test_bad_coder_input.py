"""`thce coder` with input it cannot use: exit code 2, one clear line, no traceback."""

import json
from pathlib import Path

import pytest
from bad_input import CONFIGS, OPTIONS, said_by, write_wrong_files

STEPS: dict[str, list[str]] = {
    "samples": [],
    "format": [],
    "check-data": ["--stage", "1"],
    "generate": [],
    "import": [],
    "train": [],
    "bundle": ["--model", "m", "--output", "o"],
    "export": ["--model", "m", "--output", "o"],
    "predict": [],
    "evaluate": [],
    "compare": ["a", "b"],
    "fit-ranker": [],
}
"""Every command that takes a configuration, with the options that it cannot do without."""

WITHOUT_CONFIGURATION = {
    "samples": "exclude_ids: data/coder/frozen_test_ids.txt: No such file",
    "check-data": "run `thce coder format` first",
    "bundle": "m/training.json: No such file",
    "export": "data/coder/coder_examples.jsonl: No such file",
}
"""What is said of an empty configuration where every field has a default."""

LONGEST_LINE = 400
GOLD = {"id": "n1", "text": "Acute bronchitis.", "code_type": "ICD10", "code": "J20.9"}
MIXED = [{"type": "ICD10", "code": "J20.9"}, {"type": "CPT", "code": "99213"}]
ANSWER = {"type": "ICD10", "code": "J20.9", "accepted": True}


def _lines(*rows: dict[str, object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every wrong kind."""
    path = tmp_path_factory.mktemp("bad")
    contents = {
        "empty.jsonl": b"",
        "empty.csv": b"",
        "empty.parquet": b"",
        "empty.txt": b"",
        "bin.jsonl": bytes(range(256)),
        "list.jsonl": b"[1]\n",
        "other.jsonl": b'{"a": 1}\n',
        "cut.jsonl": b'{"id": "n1", "text"\n',
        "huge.jsonl": b'{"id": "n1", "text": "' + b"x" * 5_000_000,
        "huge_id.jsonl": 2 * _lines(GOLD | {"id": "x" * 100_000}),
        "good.jsonl": _lines(GOLD),
        "unlabelled.jsonl": _lines({"id": "n1", "text": "Acute bronchitis."}),
        "mixed.jsonl": _lines({"id": "n1", "text": "Cough.", "codes": MIXED}),
        "half_mixed.jsonl": _lines(GOLD, {"id": "n2", "text": "Visit.", "code": "99213"}),
        "kind.jsonl": _lines(GOLD | {"code_type": "SNOMED"}),
        "codes.jsonl": _lines({"id": "n1", "text": "Cough.", "codes": "J20.9"}),
        "number.jsonl": _lines({"id": "n1", "text": 3}),
        "twice.jsonl": _lines(GOLD, GOLD),
        "score.jsonl": _lines({"id": "n1", "codes": [ANSWER | {"score": "high"}]}),
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
    expected = CONFIGS[config]
    if config == "empty.yaml":
        expected = WITHOUT_CONFIGURATION.get(step, expected)
    command = ["coder", step, *STEPS[step], "--config", config]
    assert expected.lower() in said_by(command, folder, monkeypatch, capsys).lower()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_are_none(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    step: str,
    name: str,
) -> None:
    options, expected = OPTIONS[name]
    command = ["coder", step, *STEPS[step], *options]
    assert expected in said_by(command, folder, monkeypatch, capsys)


PREDICT = ["coder", "predict", "--output", "o.jsonl", "--input"]
EVALUATE = ["coder", "evaluate", "--input"]
ANSWERED = [*EVALUATE, "good.jsonl", "--predictions"]
COMPARE = ["coder", "compare", "--input", "good.jsonl"]
NARRATIVES = ["coder", "narratives", "--output", "o.jsonl"]
FIT = ["coder", "fit-ranker", "--said", "made up", "--output", "o.yaml", "--input"]
CHECK = ["coder", "check-data", "--stage", "1", "--input"]
TRAIN = ["coder", "train", "--output", "out", "--data", "good.jsonl", "--set"]
TRAIN_ON = ["coder", "train", "--output", "out", "--set", "stage=1", "--data"]
TRAIN_TO = ["coder", "train", "--data", "good.jsonl", "--set", "stage=1", "--output"]
BUNDLE = ["coder", "bundle", "--output", "o", "--model"]
EXPORT = ["coder", "export", "--model", "dir", "--output"]
IMPORT = ["coder", "import", "--output", "o.jsonl", "--layout"]
GENERATE = ["coder", "generate", "--output", "o.jsonl", "--set"]
SAMPLES = ["coder", "samples", "--output", "o", "--set"]
FORMAT = ["coder", "format", "--output", "o", "--set", "runner=plain", "--set"]
OFFICIAL = "sources=[{kind: official_terms}]"
COMMANDS: dict[str, tuple[list[str], str]] = {
    "predict absent": ([*PREDICT, "absent.jsonl"], "absent.jsonl: No such file"),
    "predict empty": ([*PREDICT, "empty.jsonl"], "empty.jsonl: holds no row"),
    "predict folder": ([*PREDICT, "dir"], "dir: Is a directory"),
    "predict binary": ([*PREDICT, "bin.jsonl"], "bin.jsonl: not UTF-8"),
    "predict list": ([*PREDICT, "list.jsonl"], "list.jsonl:1: expected a JSON object"),
    "predict other": ([*PREDICT, "other.jsonl"], "other.jsonl:1: no text"),
    "predict cut": ([*PREDICT, "cut.jsonl"], "cut.jsonl:1: not valid JSON"),
    "predict huge": ([*PREDICT, "huge.jsonl"], "huge.jsonl:1: not valid JSON"),
    "predict huge id": ([*PREDICT, "huge_id.jsonl"], "comes twice"),
    "predict number": ([*PREDICT, "number.jsonl"], "number.jsonl:1: no text"),
    "predict type": ([*PREDICT, "kind.jsonl"], "'SNOMED' is not a code type"),
    "predict twice": ([*PREDICT, "twice.jsonl"], "id n1 comes twice"),
    "predict system": ([*PREDICT, "good.jsonl", "--system", "best"], "system: input should be"),
    "predict stage": ([*PREDICT, "good.jsonl", "--set", "stage=4"], "stage: input should be 1, 2"),
    "predict count": ([*PREDICT, "good.jsonl", "--set", "count=0"], "count: input should be"),
    "predict share": (
        [*PREDICT, "good.jsonl", "--set", "confidence=2"],
        "confidence: input should be less",
    ),
    "predict model": (
        [*PREDICT, "good.jsonl", "--model", "dir"],
        "dir: neither a bundle nor an exported coder",
    ),
    "predict graph": ([*PREDICT, "good.jsonl", "--set", "graph=int2"], "graph: input should be"),
    "predict alone": ([*PREDICT, "good.jsonl", "--system", "model"], "give --model"),
    "predict ranker": (
        [*PREDICT, "good.jsonl", "--set", "ranker=good.jsonl"],
        "good.jsonl: give weights of",
    ),
    "predict asked": (
        [*PREDICT, "good.jsonl", "--set", "code_type=SNOMED"],
        "code_type: input should be 'icd10'",
    ),
    "evaluate absent": ([*EVALUATE, "absent.jsonl"], "absent.jsonl: No such file"),
    "evaluate empty": ([*EVALUATE, "empty.jsonl"], "empty.jsonl: holds no row"),
    "evaluate type": ([*EVALUATE, "kind.jsonl"], "'SNOMED' is not a code type"),
    "evaluate no type": (
        [*EVALUATE, "half_mixed.jsonl"],
        "half_mixed.jsonl:2: field 'code_type' is missing beside 'code'",
    ),
    "evaluate no list": ([*EVALUATE, "codes.jsonl"], "codes.jsonl:1: field 'codes' is no list"),
    "answers absent": ([*ANSWERED, "absent.jsonl"], "absent.jsonl: No such file"),
    "answers empty": ([*ANSWERED, "empty.jsonl"], "empty.jsonl: has no answer for id n1"),
    "answers other": ([*ANSWERED, "other.jsonl"], "field 'codes' is missing or no list"),
    "answers binary": ([*ANSWERED, "bin.jsonl"], "bin.jsonl: not UTF-8"),
    "answers score": ([*ANSWERED, "score.jsonl"], "each one needs type, code, score"),
    "ids absent": ([*EVALUATE, "good.jsonl", "--ids", "absent"], "absent: No such file"),
    "ids empty": ([*EVALUATE, "good.jsonl", "--ids", "empty.txt"], "none of these ids"),
    "compare nothing": (["coder", "compare"], "Missing argument 'a'"),
    "compare absent": ([*COMPARE, "absent", "absent"], "absent: No such file"),
    "compare empty": ([*COMPARE, "empty.jsonl", "empty.jsonl"], "has no answer for id n1"),
    "narratives nothing": (NARRATIVES, "give either --codiesp FOLDER or --held-out-terms"),
    "narratives both": (
        [*NARRATIVES, "--codiesp", "dir", "--held-out-terms"],
        "give either --codiesp FOLDER or --held-out-terms",
    ),
    "narratives absent": ([*NARRATIVES, "--codiesp", "absent"], "absent: wants one *D.tsv"),
    "narratives folder": ([*NARRATIVES, "--codiesp", "dir"], "dir: wants one *D.tsv"),
    "fit absent": ([*FIT, "absent.jsonl"], "absent.jsonl: No such file"),
    "fit empty": ([*FIT, "empty.jsonl"], "empty.jsonl: holds no row"),
    "fit unlabelled": ([*FIT, "unlabelled.jsonl"], "every row needs one right code"),
    "fit mixed": ([*FIT, "mixed.jsonl"], "every row needs one right code"),
    "fit ids": ([*FIT, "good.jsonl", "--exclude-ids", "absent"], "absent: No such file"),
    "check nothing": (["coder", "check-data", "--input", "dir"], "Missing option '--stage'"),
    "check stage": ([*CHECK[:3], "4", "--input", "dir"], "Invalid value for '--stage'"),
    "check stage no number": ([*CHECK[:3], "x", "--input", "dir"], "Invalid value for '--stage'"),
    "check absent": ([*CHECK, "absent"], "absent: no such file or folder"),
    "check folder": ([*CHECK, "dir"], "dir: holds no rows of stage 1"),
    "check other": ([*CHECK, "other.jsonl"], "row 1: field 'messages' is missing"),
    "check binary": ([*CHECK, "bin.jsonl"], "bin.jsonl: not UTF-8"),
    "check huge": ([*CHECK, "huge.jsonl"], "huge.jsonl:1: not valid JSON"),
    "check Parquet": ([*CHECK, "empty.parquet"], "empty.parquet: not rows of stage 1"),
    "train stage": ([*TRAIN, "stage=4"], "stage: input should be 1, 2 or 3"),
    "train no stage": ([*TRAIN, "epochs=1"], "stage: field required"),
    "train epochs": ([*TRAIN, "stage=1", "--set", "epochs=0"], "epochs: input should be greater"),
    "train batch": ([*TRAIN, "stage=1", "--set", "batch_size=x"], "batch_size: input should be"),
    "train precision": ([*TRAIN, "stage=1", "--set", "precision=fp8"], "precision: input should"),
    "train adapters": ([*TRAIN, "stage=1", "--set", "lora.nope=1"], "lora.nope: unknown name"),
    "train scaling": ([*TRAIN, "stage=1", "--set", "scaling=3"], "scaling: input should be"),
    "train absent": ([*TRAIN_ON, "absent.jsonl"], "absent.jsonl: no Parquet or JSONL file"),
    "train folder": ([*TRAIN_ON, "dir"], "dir: no Parquet or JSONL file"),
    "train not fetched": ([*TRAIN_ON, "good.jsonl"], "run `thce weights fetch smollm2`"),
    "train model": (
        [*TRAIN_ON, "good.jsonl", "--set", "model_name=./absent"],
        "model_name: ./absent: no such folder",
    ),
    "train start": (
        [*TRAIN_ON, "good.jsonl", "--init-from", "dir"],
        "dir: no model/model.safetensors there",
    ),
    "train remote": ([*TRAIN_TO, "s3://bucket/x"], "output: training writes to a local folder"),
    "train over a file": ([*TRAIN_TO, "good.jsonl"], "good.jsonl is a file; give a folder"),
    "bundle nothing": (["coder", "bundle"], "Missing option '--model'"),
    "bundle absent": ([*BUNDLE, "absent"], "absent/training.json: No such file"),
    "bundle file": ([*BUNDLE, "good.jsonl"], "good.jsonl/training.json: Not a directory"),
    "export nothing": (["coder", "export"], "Missing option '--model'"),
    "export over others": ([*EXPORT, "."], "is not empty; give a folder of its own"),
    "export stage": ([*EXPORT, "o", "--set", "stage=4"], "stage: input should be 1, 2 or 3"),
    "export empty": ([*EXPORT, "o", "--set", "examples=empty.jsonl"], "the file has none"),
    "export other": (
        [*EXPORT, "o", "--set", "examples=other.jsonl"],
        "other.jsonl:1: field 'id' is missing",
    ),
    "import layout": ([*IMPORT, "nope", "--input", "x"], "layout: input should be 'mimic'"),
    "import MIMIC": (
        [*IMPORT, "mimic", "--input", "empty.csv"],
        "configuration: layout mimic wants diagnoses, the table of codes",
    ),
    "import absent": ([*IMPORT, "mtsamples", "--input", "absent"], "absent: No such file"),
    "import folder": ([*IMPORT, "mtsamples", "--input", "dir"], "dir: Is a directory"),
    "import empty": (
        [*IMPORT, "mtsamples", "--input", "empty.csv"],
        "empty.csv: column transcription is missing",
    ),
    "import binary": (
        [*IMPORT, "mtsamples", "--input", "bin.jsonl"],
        "bin.jsonl: column transcription is missing",
    ),
    "import CodiEsp": ([*IMPORT, "codiesp", "--input", "dir"], "dir: wants one *D.tsv"),
    "import limit": (
        [*IMPORT, "mtsamples", "--input", "empty.csv", "--set", "limit=0"],
        "limit: input should be greater",
    ),
    "generate nothing": ([*GENERATE, "enabled=true"], "provider: field required"),
    "generate provider": ([*GENERATE, "provider.nope=1"], "provider.nope: unknown name"),
    "samples ids": ([*SAMPLES, "exclude_ids=absent"], "exclude_ids: absent: No such file"),
    "samples no ids": ([*SAMPLES, "exclude_ids=empty.txt"], "empty.txt: names no id"),
    "samples rows": ([*SAMPLES, "rows=x"], "rows: input should be a valid integer"),
    "format nothing": ([*FORMAT, "sources=[]"], "sources: list should have at least 1 item"),
    "format source": ([*FORMAT, "sources=[{kind: nope}]"], "sources.0: input tag 'nope'"),
    "format stage": ([*FORMAT, OFFICIAL, "--set", "counts={4: 1}"], "input should be 1, 2 or 3"),
    "format type": (
        [*FORMAT, "sources=[{kind: official_terms, code_types: [SNOMED]}]"],
        "code_types.0: input should be 'icd10'",
    ),
    "format absent": (
        [*FORMAT, "sources=[{kind: examples, path: absent, exclude_ids: null}]"],
        "absent: No such file",
    ),
    "format empty": (
        [*FORMAT, "sources=[{kind: examples, path: empty.jsonl, exclude_ids: null}]"],
        "empty.jsonl: no example is left",
    ),
    "format other": (
        [*FORMAT, "sources=[{kind: examples, path: other.jsonl, exclude_ids: null}]"],
        "other.jsonl:1: field 'id' is missing",
    ),
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
    assert len(said) < LONGEST_LINE + len(str(folder))


def test_every_command_of_the_coder_is_tried() -> None:
    from thce.coder.cli import app

    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert names == set(STEPS) | {arguments[1] for arguments, _ in COMMANDS.values()}
