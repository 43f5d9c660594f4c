"""The coder's replica without Serve: valid codes, answers as they grow, hanging up."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_graph import small_graph, small_model
from starlette.testclient import TestClient

from thce.coder.generate import GenerateConfig, Generator
from thce.coder.grammar import Bounds
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError
from thce.notes.rows import Note
from thce.serving.coder_graph import coder_graph
from thce.serving.coder_model import CoderModel, Narrative
from thce.serving.config import CoderArgs, Safety
from thce.serving.problems import ProblemError

NOTE = "Bronchoscopy for hemoptysis. Bronchoalveolar lavage of the lingula was performed."


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coder")
    model = small_model(folder / "tokenizer")
    small_graph(model, folder / "onnx" / "int4")
    return folder


@pytest.fixture
def coder(export: Path) -> CoderModel:
    """A replica of its own: it belongs to the event loop that it first waits in."""
    generate = GenerateConfig(reasoning_tokens=40)
    return CoderModel(
        CoderArgs(model=str(export), generate=generate, waiting=1, safety=Safety(audit=None))
    )


@pytest.fixture
def asked(coder: CoderModel) -> Iterator[TestClient]:
    app = coder.__serve_build_asgi_app__()
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as opened:
        yield opened


def narrative(text: str = NOTE, code_type: CodeType = CodeType.ICD10) -> Narrative:
    return Narrative(Note("e1", text, [], None, None, None), code_type)


def events(reply: Any) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in reply.text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_codes_are_billable_and_of_the_type_asked(asked: TestClient) -> None:
    rows = [
        {"note_text": NOTE, "id": kind.value, "code_type": kind.value}
        for kind in (CodeType.ICD10, CodeType.CPT, CodeType.HCPCS)
    ]
    reply = asked.post("/", json=rows)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert found["suggestion"] is True and found["version"].startswith("export-")
    for row in found["results"]:
        kind = CodeType(row["encounter_id"])
        assert row["codes"], row
        for code in row["codes"]:
            assert code["type"] == kind
            assert code["code"] in load_catalogue(kind).billable_codes(None)
            assert code["description"]


def test_a_streamed_answer_is_the_whole_one(asked: TestClient) -> None:
    whole = asked.post("/", json={"note_text": NOTE, "id": "e1"}).json()
    reply = asked.post("/", json={"note_text": NOTE, "id": "e1", "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *pieces, (last, answer) = events(reply)
    assert {name for name, _ in pieces} == {"text"} and len(pieces) > 5
    assert last == "answer" and answer == whole
    written = "".join(data["text"] for _, data in pieces)
    (code,) = answer["results"][0]["codes"]
    assert f"{code['type']}: {code['code']}" in written


def test_an_answer_within_its_limits_is_not_hurried(export: Path) -> None:
    generate = GenerateConfig(reasoning_tokens=1500, bounds=Bounds(lines=1, line_chars=5))
    short = CoderModel(CoderArgs(model=str(export), generate=generate, safety=Safety(audit=None)))
    assert asyncio.run(short.answer(narrative()))["hurried"] is False


def test_generation_is_the_generators(coder: CoderModel, export: Path) -> None:
    from thce.notes.prepare import prepare

    alone = Generator.load(
        export / "onnx" / "int4", export / "tokenizer", GenerateConfig(reasoning_tokens=40), 1
    ).answer(prepare(NOTE).text, CodeType.ICD10)
    served = asyncio.run(coder.answer(narrative()))
    assert [code["code"] for code in served["codes"]] == [one.code for one in alone.answer.codes]
    assert served["reasoning"] == list(alone.answer.reasoning or ())


def test_the_decoder_stops_for_a_caller_that_hung_up(coder: CoderModel) -> None:
    async def scenario() -> float:
        written = coder.write(narrative())
        async for _ in written:
            break
        started = time.perf_counter()
        await written.aclose()
        await asyncio.wait_for(coder._turn.acquire(), 10)  # free again: nothing is decoded
        coder._turn.release()
        return time.perf_counter() - started

    async def both() -> tuple[float, float]:
        started = time.perf_counter()
        await coder.answer(narrative())
        return time.perf_counter() - started, await scenario()

    whole, cancelled = asyncio.run(both())
    assert cancelled < max(whole / 2, 0.05)


def test_who_comes_too_many_is_told_when_to_come_again(coder: CoderModel) -> None:
    async def scenario() -> list[Any]:
        return await asyncio.gather(
            *(coder.answer(narrative()) for _ in range(4)), return_exceptions=True
        )

    found = asyncio.run(scenario())
    refused = [one for one in found if isinstance(one, ProblemError)]
    assert len(refused) == 2 and len([one for one in found if isinstance(one, dict)]) == 2
    assert all(one.status == 503 and one.retry_after for one in refused)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"note_text": NOTE, "code_type": "ICD9"}, "code_type"),
        ({"notes": [{"note_text": NOTE, "code_type": 9}]}, "notes[0].code_type"),
        ({"note_text": NOTE, "stream": 1}, "stream"),
        ({"notes": [{"note_text": "a"}, {"note_text": "b"}], "stream": True}, "stream"),
        ([{"note_text": NOTE, "colour": 1}], "[0].colour"),
    ],
)
def test_a_wrong_request_names_its_field(asked: TestClient, body: Any, field: str) -> None:
    reply = asked.post("/", json=body)
    assert reply.status_code == 422
    assert reply.json()["error"]["field"] == field


def test_what_holds_no_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no int4 graph in it"):
        coder_graph(str(tmp_path), "int4")
