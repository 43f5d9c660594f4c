"""Likelihoods of answers agree with the model asked plainly, and move a ranking as they should."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from small_graph import small_model

from thce.coder import chat
from thce.coder.base_model import load_model
from thce.coder.coded_rows import RankedCode
from thce.coder.encode import END, ChatEncoder
from thce.coder.export_graph import export_graph
from thce.coder.generate import Generator, Question
from thce.coder.generate_config import GenerateConfig
from thce.coder.likelihood import log_likelihoods, rescored
from thce.codes.code_types import CodeType

ICD10 = CodeType.ICD10
CANDIDATES = [
    RankedCode(ICD10, "I10", "Essential (primary) hypertension", 0.5, True),
    RankedCode(ICD10, "J20.9", "Acute bronchitis, unspecified", 0.3, False),
    RankedCode(ICD10, "S52.531A", "Colles' fracture of right radius", 0.1, False),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def graph(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph") / "fp32"
    export_graph(model, folder, "fp32")
    return folder


def _plain(model: Path, before: list[int], answer: list[int]) -> float:
    """By torch, without a cache."""
    import torch

    with torch.inference_mode():
        logits = load_model(model).eval()(torch.tensor([before + answer])).logits[0]
    told = torch.log_softmax(logits.float(), -1)
    places = range(len(before) - 1, len(before) + len(answer) - 1)
    return float(np.mean([told[at, token] for at, token in zip(places, answer, strict=True)]))


@pytest.mark.parametrize("stage", [1, 2])
def test_a_prompt_that_is_read_once_changes_nothing(model: Path, graph: Path, stage: int) -> None:
    generator = Generator.load(graph, model, GenerateConfig(stage=stage), threads=1)
    encoder = ChatEncoder(model)
    question = Question("Blood pressure 150/95 again, start lisinopril.", ICD10)
    thought = "<think>\nPressure is high\n</think>" if stage == 2 else ""
    opening = [token for part in encoder._tagged(thought) for token in _ids(encoder, part)]
    found = log_likelihoods(generator, question, opening, CANDIDATES)
    before = encoder.prompt_ids(chat.prompt(stage, question.narrative, ICD10)).ids + opening
    lines = [
        ("\n" if opening else "") + str(chat.CodeLine(one.type, one.code, one.description))
        for one in CANDIDATES
    ]
    plain = [
        _plain(model, before, [*encoder.text_ids(line), encoder.controls[END]]) for line in lines
    ]
    assert np.allclose(found, plain, atol=1e-4)
    assert np.ptp(found) > 0.01


def _ids(encoder: ChatEncoder, part: int | str) -> list[int]:
    return [part] if isinstance(part, int) else encoder.text_ids(part)


@given(
    scores=some.lists(some.floats(0.001, 1), min_size=1, max_size=6),
    told=some.lists(some.floats(-9, 0), min_size=6, max_size=6),
)
def test_likelihoods_share_out_what_the_head_had(scores: list[float], told: list[float]) -> None:
    ranked = [
        RankedCode(ICD10, str(place), "", score, False)
        for place, score in enumerate(sorted(scores, reverse=True))
    ]
    head = max(1, len(ranked) - 1)
    found = rescored(ranked, np.array(told[:head]), 0.5)
    assert {one.code for one in found} == {one.code for one in ranked}
    assert found[head:] == ranked[head:]
    assert sum(one.score for one in found) == pytest.approx(sum(scores))
    assert [one.score for one in found[:head]] == sorted(
        (one.score for one in found[:head]), reverse=True
    )
    silent = rescored(ranked, np.array(told[:head]), 0.0)
    assert [one.score for one in silent] == pytest.approx([one.score for one in ranked])


def test_a_candidate_that_the_model_likes_comes_first() -> None:
    found = rescored(CANDIDATES, np.array([-3.0, -1.0, -3.0]), weight=1.0)
    assert [one.code for one in found] == ["J20.9", "I10", "S52.531A"]
    ratio = found[0].score / found[1].score
    assert ratio == pytest.approx(0.3 / 0.5 * np.exp(2))
