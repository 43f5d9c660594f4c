"""Answers of an exported graph: billable codes whatever the note says, alone as in a batch."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from adversarial_notes import adversarial_notes
from small_graph import full_model, small_graph, small_model

from thce.coder.engine import Sampling
from thce.coder.export_graph import export_graph
from thce.coder.generate import Generated, Generator, Question
from thce.coder.generate_config import GenerateConfig
from thce.coder.grammar import Bounds
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError

SHORT = GenerateConfig(
    bounds=Bounds(lines=2, line_chars=40), reasoning_tokens=12, prompt_tokens=512
)
TYPES = list(CodeType)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def small(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    graph = small_graph(model, tmp_path_factory.mktemp("graph") / "int4")
    return Generator.load(graph, model, SHORT, threads=1)


def _with(generator: Generator, **settings: object) -> Generator:
    return Generator(generator.graph, SHORT.model_copy(update=settings))


def _hostile(count: int, seed: int = 2026) -> list[Question]:
    notes = adversarial_notes(count, seed)
    return [Question(note, TYPES[number % 3]) for number, note in enumerate(notes)]


def _require_valid(questions: list[Question], found: list[Generated], codes: int = 1) -> None:
    assert len(found) == len(questions)
    for question, one in zip(questions, found, strict=True):
        catalogue = load_catalogue(question.code_type)
        assert 1 <= len(one.answer.codes) <= codes
        assert one.answer.rest == ()
        assert one.answer.reasoning
        for line in one.answer.codes:
            assert line.code_type is question.code_type
            assert catalogue.is_billable(line.code), line
            assert catalogue.get(line.code).description == line.description  # type: ignore[union-attr]


def test_hostile_notes_get_billable_codes(small: Generator) -> None:
    questions = _hostile(36)
    _require_valid(questions, small.answers(questions))


def test_hostile_notes_get_billable_codes_when_tokens_are_drawn(small: Generator) -> None:
    """Nearly uniform draws go where a likely token never would."""
    questions = _hostile(36)
    hot = _with(small, sampling=Sampling(temperature=50.0, seed=5), bounds=Bounds(codes=3))
    found = hot.answers(questions)
    _require_valid(questions, found, codes=3)
    assert len({line.code for one in found for line in one.answer.codes}) > 30


def test_alone_as_in_a_batch(small: Generator) -> None:
    """Rows of unlike lengths do not disturb each other."""
    questions = [
        Question("Fell on ice, wrist deformed. " * repeats, TYPES[repeats % 3])
        for repeats in (1, 9, 2, 30, 4)
    ]
    several = _with(small, bounds=Bounds(lines=2, line_chars=40, codes=3))
    together = several.answers(questions)
    assert together == [several.answer(one.narrative, one.code_type) for one in questions]
    assert len({one.answer.codes for one in together}) > 1


def test_draws_repeat_with_their_seed(small: Generator) -> None:
    def drawn(seed: int) -> list[Generated]:
        sampling = Sampling(temperature=5.0, seed=seed)
        return _with(small, sampling=sampling).answers(_hostile(6))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_greedy_repeats(small: Generator) -> None:
    questions = _hostile(12)
    assert small.answers(questions) == small.answers(questions)


def test_a_time_limit_closes_the_reasoning_and_still_answers(small: Generator) -> None:
    slow = _with(
        small,
        bounds=Bounds(lines=100, line_chars=1000),
        reasoning_tokens=2000,
        time_limit=0.2,
    )
    slow.language(CodeType.ICD10)
    started = time.monotonic()
    found = slow.answer("Burn of the left hand", CodeType.ICD10)
    assert time.monotonic() - started < 10
    assert found.hurried
    _require_valid([Question("", CodeType.ICD10)], [found])


def test_reasoning_keeps_to_its_tokens(small: Generator) -> None:
    long = _with(small, bounds=Bounds(lines=100, line_chars=1000), reasoning_tokens=30)
    found = long.answer("Burn of the left hand", CodeType.CPT)
    assert found.hurried
    assert found.tokens < 60


def test_stage_1_answers_at_once(small: Generator) -> None:
    found = _with(small, stage=1).answer("Burn of the left hand", CodeType.HCPCS)
    assert found.answer.reasoning is None
    assert len(found.answer.codes) == 1
    assert found.tokens < 15


def test_what_the_model_did_not_see_is_told(small: Generator) -> None:
    assert small.answer("cough " * 3000, CodeType.ICD10).cut > 2000
    assert small.answer("cough", CodeType.ICD10).cut == 0


def test_a_tokenizer_without_tags_is_refused(small: Generator, model: Path, tmp_path: Path) -> None:
    content = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    content["added_tokens"] = [
        token for token in content["added_tokens"] if "think" not in token["content"]
    ]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    shutil.copy(model / "chat_template.jinja", tmp_path)
    with pytest.raises(InputError, match=r"</think> and <think> are no tokens"):
        Generator.load(small.graph.folder, tmp_path, SHORT)


def test_more_than_the_model_reads_is_refused(small: Generator, model: Path) -> None:
    greedy = SHORT.model_copy(update={"prompt_tokens": 7000, "bounds": Bounds(codes=20)})
    with pytest.raises(InputError, match=r"prompt_tokens: 7000 and an answer .* do not fit"):
        Generator.load(small.graph.folder, model, greedy)


def test_a_damaged_graph_is_said(model: Path, tmp_path: Path, small: Generator) -> None:
    folder = tmp_path / "graph"
    shutil.copytree(small.graph.folder, folder)
    (folder / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match="onnxruntime-genai cannot load it"):
        Generator.load(folder, model, SHORT)
    (folder / "genai_config.json").write_text("{}")
    with pytest.raises(InputError, match=r"genai_config\.json: not an exported graph's"):
        Generator.load(folder, model, SHORT)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    model = full_model()
    graph = tmp_path_factory.mktemp("full") / "int4"
    export_graph(model, graph, "int4")
    return Generator.load(graph, model, SHORT.model_copy(update={"prompt_tokens": 256}))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_hostile_notes_in_thousands(full: Generator, part: int) -> None:
    """Full weights; 10,000 notes in ten parts, or as many as THCE_HOSTILE_NOTES says."""
    count = int(os.environ.get("THCE_HOSTILE_NOTES", "10000")) // 10
    questions = _hostile(count, seed=part)
    _require_valid(questions, full.answers(questions))
