"""The annotation page's API: what it shows, what it keeps, and what it refuses."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_page import NOTE, filled_store, task
from fastapi.testclient import TestClient

from thce.annotations.store import AnnotationStore
from thce.errors import InputError
from thce.registry.labels import FLAG_NAMES, FLAGS, Flag
from thce.serving.annotator_app import app, require_store
from thce.serving.annotator_keys import COMMANDS, KEYS
from thce.serving.annotator_model import Explainer, moving_passages, passages
from thce.serving.config import Safety
from thce.serving.security import Caller, Role
from thce.serving.tokens import add_token

Client = Callable[..., TestClient]
BASE = "http://localhost"
API = "/v1/annotate"


def client_of(store: Path, name: str | None = "anna", **fields: Any) -> TestClient:
    safety = Safety.model_validate({"audit": None} | fields.pop("safety", {}))
    found = TestClient(app(store, safety=safety, **fields), base_url=BASE)
    if name is not None:
        found.headers["X-Annotator"] = name
    return found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return filled_store(tmp_path / "annotations.sqlite", 4, overlap=2, blind=(1,))


@pytest.fixture
def anna(store: Path) -> TestClient:
    return client_of(store)


def next_task(client: TestClient, batch: str | None = None) -> dict[str, Any]:
    return dict(client.post(f"{API}/next", json={"batch": batch}).json()["task"])


def answer(client: TestClient, shown: dict[str, Any], number: int = 0, **changes: Any) -> Any:
    body = {
        "id": f"answer-{client.headers['X-Annotator']}-{number}-{shown['task_id']}",
        "task_id": shown["task_id"],
        "version": shown["version"],
        "answer": "accept",
        "accept": shown["ticked"],
    }
    return client.post(f"{API}/answers", json=body | changes)


def said(reply: Any) -> str:
    return str(reply.json()["error"]["message"])


def labels(store: Path) -> dict[str, dict[str, Any]]:
    with AnnotationStore.open(store) as opened:
        return {row["encounter_id"]: row for row in opened.human_labels().table.to_pylist()}


def boxes(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {box["flag"]: box for box in shown["boxes"]}


def test_a_task_shows_each_sources_opinion_and_where_the_rules_see_it(anna: TestClient) -> None:
    shown = next_task(anna)
    assert shown["text"] == NOTE.format(number=0)
    assert shown["ticked"] == ["diagnostic_bronchoscopy", "bal", "bronchial_wash"]
    found = boxes(shown)
    assert list(found) == list(FLAG_NAMES)
    assert [(one["source"], one["says"]) for one in found["bal"]["opinions"]] == [
        ("model", False),
        ("codes", True),
        ("text", True),
    ]
    assert found["bal"]["opinions"][1]["detail"] == "31624"
    assert found["bal"]["disputed"]
    assert found["bronchial_wash"]["disputed"], "only the model sees it"
    assert not found["diagnostic_bronchoscopy"]["disputed"]
    assert not found["ipc"]["disputed"]
    lavage = next(one for one in shown["mentions"] if one["flag"] == "bal")
    quoted = shown["text"][lavage["start"] : lavage["end"]]
    assert quoted.lower().startswith("bronchoalveolar lavage")
    biopsy = [one for one in shown["mentions"] if one["flag"] == "endobronchial_biopsy"]
    assert [one["assertion"] for one in biopsy] == ["negated"]


def test_a_blind_task_gives_nothing_away(anna: TestClient, store: Path) -> None:
    answer(anna, next_task(anna))
    shown = next_task(anna)
    assert shown["blind"]
    assert (shown["ticked"], shown["mentions"], shown["model_version"]) == ([], [], None)
    assert not shown["explained"]
    for box in shown["boxes"]:
        assert (box["prefilled"], box["disputed"], box["opinions"]) == (False, False, [])
    told = anna.get(f"{API}/tasks/{shown['task_id']}/passages").json()
    assert told["passages"] == []


def test_a_task_asks_only_its_own_options(tmp_path: Path) -> None:
    path = tmp_path / "annotations.sqlite"
    with AnnotationStore.open(path, create=True) as opened:
        opened.prepare("audit", [task(0, options=(Flag.BAL, Flag.IPC))])
    anna = client_of(path)
    shown = next_task(anna)
    assert list(boxes(shown)) == ["bal", "ipc"]
    assert {one["flag"] for one in shown["mentions"]} == {"bal"}
    refused = answer(anna, shown, accept=["bronchial_wash"])
    assert (refused.status_code, said(refused)) == (
        422,
        "accept: bronchial_wash not among the task's options",
    )
    assert labels(path) == {}


def test_an_answer_becomes_labels_and_the_same_one_sent_again_changes_nothing(
    anna: TestClient, store: Path
) -> None:
    shown = next_task(anna)
    first = answer(anna, shown, accept=["bal"])
    again = answer(anna, shown, accept=["bal"])
    assert first.json()["new"]
    assert again.json() == first.json() | {"new": False}
    row = labels(store)["e0000"]
    assert row["bal"] == 1
    assert row["diagnostic_bronchoscopy"] == 0, "unticked although it was prefilled"
    assert next_task(anna)["task_id"] != shown["task_id"]
    with AnnotationStore.open(store) as opened:
        assert opened.progress()["answers"] == 1


def test_an_id_used_for_another_answer_is_refused(anna: TestClient, store: Path) -> None:
    shown = next_task(anna)
    answer(anna, shown, accept=["bal"])
    assert answer(anna, shown, accept=["ipc"]).status_code == 409
    assert labels(store)["e0000"]["ipc"] == 0


def test_two_tabs_cannot_overwrite_each_other(anna: TestClient, store: Path) -> None:
    one, other = next_task(anna), next_task(anna)
    assert one["task_id"] == other["task_id"], "the note on screen comes first"
    assert answer(anna, one, 1, accept=["bal"]).status_code == 200
    late = answer(anna, other, 2, accept=["ipc"])
    assert late.status_code == 409
    assert "another window" in said(late)
    assert (labels(store)["e0000"]["bal"], labels(store)["e0000"]["ipc"]) == (1, 0)


def test_two_annotators_do_not_see_or_block_each_other(anna: TestClient, store: Path) -> None:
    ben = client_of(store, "ben")
    shown = next_task(anna)
    answer(anna, shown, accept=["bal"])
    his = next_task(ben)
    assert (his["task_id"], his["ticked"], his["version"]) == (
        shown["task_id"],
        ["diagnostic_bronchoscopy", "bal", "bronchial_wash"],
        0,
    )
    assert answer(ben, his, accept=["bal", "ipc"]).status_code == 200
    assert ben.get(f"{API}/history").json()[0]["ticked"] == 2
    assert len(anna.get(f"{API}/history").json()) == 1
    with AnnotationStore.open(store) as opened:
        assert [(one.flag, one.votes) for one in opened.conflicts()] == [
            (Flag.IPC, {"anna": False, "ben": True})
        ]


def test_overlap_is_how_many_are_asked(anna: TestClient, store: Path) -> None:
    shown = next_task(anna)
    answer(anna, shown)
    answer(client_of(store, "ben"), next_task(client_of(store, "ben")))
    carl = client_of(store, "carl")
    assert next_task(carl)["task_id"] != shown["task_id"]
    work = carl.get(f"{API}/work").json()
    assert (work["tasks"], work["finished"], work["answered"], work["left"]) == (4, 1, 0, 3)


def test_undo_opens_the_note_again_with_its_ticks(anna: TestClient, store: Path) -> None:
    shown = next_task(anna)
    version = answer(anna, shown, accept=["bal"]).json()["version"]
    body = {"id": "undo-0001", "task_id": shown["task_id"], "version": version}
    stale = body | {"version": 0, "id": "undo-0000"}
    assert anna.post(f"{API}/undo", json=stale).status_code == 409
    undone = anna.post(f"{API}/undo", json=body)
    assert anna.post(f"{API}/undo", json=body).json() == undone.json() | {"new": False}
    assert labels(store) == {}
    again = next_task(anna)
    assert (again["task_id"], again["ticked"]) == (shown["task_id"], ["bal"])
    assert again["version"] == undone.json()["version"]
    body = {"id": "undo-0002", "task_id": shown["task_id"], "version": again["version"]}
    assert anna.post(f"{API}/undo", json=body).status_code == 422
    assert answer(anna, again, 2, accept=["ipc"]).status_code == 200
    assert labels(store)["e0000"]["ipc"] == 1


def test_whoever_leaves_frees_the_note_on_screen(tmp_path: Path) -> None:
    store = filled_store(tmp_path / "annotations.sqlite", 1)
    anna, ben = client_of(store, "anna"), client_of(store, "ben")
    next_task(anna)
    assert ben.post(f"{API}/next", json={}).json() == {"task": None}
    assert ben.get(f"{API}/work").json()["elsewhere"] == 1
    assert anna.post(f"{API}/leave").status_code == 204
    assert next_task(ben)["encounter_id"] == "e0000"


def test_an_answer_of_the_history_can_be_changed(anna: TestClient, store: Path) -> None:
    answer(anna, next_task(anna), 1, answer="ignore")
    past = anna.get(f"{API}/history").json()[0]
    assert (past["verdict"], past["encounter_id"]) == ("ignore", "e0000")
    shown = anna.get(f"{API}/tasks/{past['task_id']}").json()
    assert shown["answer"] == "ignore"
    assert answer(anna, shown, 2, accept=["bal"]).status_code == 200
    assert labels(store)["e0000"]["bal"] == 1


def test_a_note_that_is_neither_on_screen_nor_answered_is_not_shown(
    anna: TestClient, store: Path
) -> None:
    shown = next_task(client_of(store, "ben"))
    refused = anna.get(f"{API}/tasks/{shown['task_id']}")
    assert refused.status_code == 404
    assert "not on your screen" in said(refused)
    assert anna.get(f"{API}/tasks/{'0' * 16}").status_code == 404


def test_a_deleted_note_cannot_be_answered(anna: TestClient, store: Path) -> None:
    shown = next_task(anna)
    with AnnotationStore.open(store) as opened:
        opened.delete_note("e0000")
    assert answer(anna, shown).status_code == 404
    assert next_task(anna)["encounter_id"] == "e0001"


def test_a_reviewer_settles_what_annotators_disagree_on(anna: TestClient, store: Path) -> None:
    ben = client_of(store, "ben")
    answer(anna, next_task(anna), accept=["bal"])
    answer(ben, next_task(ben), accept=["bal", "ipc"])
    assert anna.get(f"{API}/conflicts").json() == [{"encounter_id": "e0000", "flags": 1}]
    dispute = anna.get(f"{API}/conflicts/e0000").json()
    assert dispute["votes"] == {"ipc": {"anna": False, "ben": True}}
    body = {"id": "ruling-01", "version": dispute["version"], "decided": {"ipc": True}}
    stale = body | {"version": dispute["version"] - 1, "id": "ruling-00"}
    assert anna.post(f"{API}/conflicts/e0000", json=stale).status_code == 409
    settled = anna.post(f"{API}/conflicts/e0000", json=body)
    assert settled.json()["new"]
    assert not anna.post(f"{API}/conflicts/e0000", json=body).json()["new"]
    other = body | {"decided": {"ipc": False}}
    assert anna.post(f"{API}/conflicts/e0000", json=other).status_code == 409
    assert labels(store)["e0000"]["ipc"] == 1
    assert anna.get(f"{API}/conflicts").json() == []
    assert anna.get(f"{API}/conflicts/e0000").status_code == 404


def test_agreement_and_anchoring_are_there_once_they_can_be_measured(
    anna: TestClient, store: Path
) -> None:
    found = anna.get(f"{API}/agreement").json()
    assert found == {"agreement": None, "anchoring": None}
    ben = client_of(store, "ben")
    for number in range(4):
        answer(anna, next_task(anna), number, accept=["bal"] if number else ["bal", "ipc"])
        answer(ben, next_task(ben), number, accept=["bal", "ipc"] if number % 2 else ["ipc"])
    found = anna.get(f"{API}/agreement").json()
    by_flag = {one["label"]: one for one in found["agreement"]["labels"]}
    assert found["agreement"]["annotators"] == ["anna", "ben"]
    assert (by_flag["ipc"]["both_yes"], by_flag["ipc"]["one_yes"]) == (1, 3)
    assert by_flag["pleurodesis"]["kappa"]["estimate"] is None
    assert found["anchoring"]["blind_notes"] == 1
    assert found["anchoring"]["shown_notes"] == 3


def test_the_passages_that_moved_the_model_are_found_by_leaving_them_out(tmp_path: Path) -> None:
    def model(texts: Any) -> Any:
        found = np.full((len(texts), len(FLAGS)), 0.1, dtype=np.float32)
        found[["lavage" in text for text in texts], Flag.BAL.position] = 0.9
        return found

    text = NOTE.format(number=1)
    (moved,) = moving_passages(text, [Flag.BAL, Flag.IPC], model)
    assert "lavage" in text[moved.start : moved.end]
    assert moved.flag is Flag.BAL
    assert moved.fall == pytest.approx(2 * np.log(9), abs=0.01)

    store = tmp_path / "annotations.sqlite"
    with AnnotationStore.open(store, create=True) as opened:
        opened.prepare("b1", [task(1, ml_accept=["bal"]), task(2, ml_accept=["ipc"])])
    anna = client_of(store, explainer=Explainer("f" * 16, model))
    shown = next_task(anna)
    assert shown["explained"]
    told = anna.get(f"{API}/tasks/{shown['task_id']}/passages").json()
    assert told["method"] == "occlusion"
    assert [one["flag"] for one in told["passages"]] == ["bal"]
    answer(anna, shown)
    shown = next_task(anna)
    told = anna.get(f"{API}/tasks/{shown['task_id']}/passages").json()
    assert told["passages"] == [], "the model does not accept the lavage here"
    other = client_of(store, explainer=Explainer("0" * 16, model))
    assert not next_task(other)["explained"], "another bundle drew this batch"


@pytest.mark.parametrize("length", [0, 1, 30, 700, 5000, 60_000])
def test_passages_cover_the_text_and_are_few(length: int) -> None:
    text = ("A sentence of the note. " * (length // 24 + 1))[:length]
    found = passages(text)
    assert "".join(text[start:end] for start, end in found) == text
    assert len(found) <= 24


def test_every_flag_has_a_key_of_its_own_and_no_command_is_taken() -> None:
    assert set(KEYS) == set(FLAGS)
    assert len(set(KEYS.values())) == len(FLAGS)
    assert COMMANDS.isdisjoint(KEYS.values())


def test_a_name_is_asked_for_where_no_token_says_who(store: Path) -> None:
    nobody = client_of(store, None)
    for header in ({}, {"X-Annotator": "a\tb"}, {"X-Annotator": "x" * 65}):
        refused = nobody.post(f"{API}/next", json={}, headers=header)
        assert refused.status_code in (400, 422)


def test_the_token_says_who_annotates_and_who_may_review(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    tokens = {
        name: add_token(file, Caller(name, role))
        for name, role in (("anna", Role.ANNOTATE), ("app", Role.SCORE), ("chief", Role.ADMIN))
    }
    client = client_of(store, "somebody else", safety={"token_file": str(file)})
    assert client.post(f"{API}/next", json={}).status_code == 401

    def by(name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens[name]}"}

    assert client.post(f"{API}/next", json={}, headers=by("app")).status_code == 403
    assert client.post(f"{API}/next", json={}, headers=by("anna")).status_code == 200
    with AnnotationStore.open(store) as opened:
        assert [lease.annotator for lease in opened.live_leases()] == ["anna"]
    assert client.get(f"{API}/conflicts", headers=by("anna")).status_code == 403
    assert client.get(f"{API}/conflicts", headers=by("chief")).status_code == 200

    signed_in = client.post("/v1/session", json={"token": tokens["anna"]}).json()
    assert client.post(f"{API}/next", json={}).status_code == 403, "no CSRF token"
    csrf = {"X-CSRF-Token": signed_in["csrf"]}
    assert client.post(f"{API}/next", json={}, headers=csrf).status_code == 200


def test_another_sites_page_is_refused(anna: TestClient) -> None:
    for headers in (
        {"Origin": "http://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "renamed.example"},
    ):
        assert anna.post(f"{API}/next", json={}, headers=headers).status_code == 403


def test_the_page_runs_no_inline_script_and_loads_nothing_from_elsewhere(anna: TestClient) -> None:
    page = anna.get("/", follow_redirects=True)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name in ("app.js", "note.js", "server.js", "style.css", "icon.svg"):
        assert anna.get(f"/annotate/{name}").status_code == 200
    assert "http" not in page.text
    for name in ("..%2f__init__.py", "nothing.js"):
        assert anna.get(f"/annotate/{name}").status_code == 404


def test_the_audit_log_says_who_saw_and_answered_what_and_no_log_has_note_text(
    store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    anna = client_of(store, safety={"audit": str(tmp_path / "audit")})
    with caplog.at_level(logging.DEBUG):
        shown = next_task(anna)
        answer(anna, shown)
        answer(anna, shown, 9)
    written = "".join(file.read_text() for file in (tmp_path / "audit").iterdir())
    events = [json.loads(line).get("event", "") for line in written.splitlines()]
    assert f"shown task={shown['task_id']} encounter=e0000 to=anna" in events
    assert f"accept task={shown['task_id']} by=anna new=True" in events
    logged = written + "".join(record.getMessage() for record in caplog.records)
    assert "lavage" not in logged.lower()


def test_malformed_requests_are_refused_and_leave_no_trace(anna: TestClient, store: Path) -> None:
    shown = next_task(anna)
    for change in (
        {"id": "short"},
        {"id": "x" * 65},
        {"answer": "undo"},
        {"accept": ["lavage"]},
        {"accept": None},
        {"version": -1},
        {"version": 2**63},
        {"task_id": ["a"]},
        {"more": 1},
    ):
        assert answer(anna, shown, **change).status_code == 422, change
    for content in (b"", b"{", b"[]", b"\xff", json.dumps({"batch": "\x00" * 300}).encode()):
        reply = anna.post(
            f"{API}/next", content=content, headers={"Content-Type": "application/json"}
        )
        assert reply.status_code in (400, 422)
    assert labels(store) == {}


def test_a_store_that_fails_is_503_and_one_that_is_absent_is_not_served(
    store: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no annotation store there"):
        require_store(tmp_path / "none.sqlite")
    anna = client_of(tmp_path / "none.sqlite")
    refused = anna.post(f"{API}/next", json={})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
