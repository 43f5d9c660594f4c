"""The annotation page in headless Chromium: by keyboard, reloaded, closed, by two at once."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from annotation_page import filled_store, free_port, served_page, start_page

from thce.annotations.store import AnnotationStore
from thce.registry.labels import Flag
from thce.serving.annotator_keys import KEYS
from thce.serving.tokens import Caller, Role, add_token

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
SIZES = {"laptop": (1280, 800), "tablet": (1024, 768), "tablet upright": (820, 1180)}
SEEN_MS = 350


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; apt-get install chromium")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


class Annotator:
    """A person at the page, in a browser of their own."""

    def __init__(self, browser: Any, address: str, name: str, size: str = "laptop") -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.context.set_default_timeout(15_000)
        self.address = address
        self.problems: list[str] = []
        self.page = self.open_tab()
        self.page.fill("#given", name)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#actions button, #nothing")

    def open_tab(self) -> Any:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda line: line.type == "error" and self.problems.append(line.text))
        page.goto(f"{self.address}/annotate/")
        return page

    @property
    def title(self) -> str:
        return str(self.page.inner_text("#note-title"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def ticked(self) -> list[str]:
        boxes = self.page.locator("#boxes input:checked")
        return sorted(box.get_attribute("id").removeprefix("box-") for box in boxes.all())

    def answer(self, *keys: str) -> None:
        """Presses keys once the note has been seen; the last one answers it."""
        before = self.title
        self.page.wait_for_timeout(SEEN_MS)
        self.press(*keys)
        self.page.wait_for_function(
            "before => document.getElementById('main').hidden"
            " || document.getElementById('note-title').textContent !== before",
            arg=before,
        )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "annotations.sqlite"


def labels(store: Path) -> dict[str, dict[str, Any]]:
    with AnnotationStore.open(store) as opened:
        return {row["encounter_id"]: row for row in opened.human_labels().table.to_pylist()}


def true_flags(row: dict[str, Any]) -> list[str]:
    return sorted(name for name, cell in row.items() if name != "encounter_id" and cell == 1)


def test_a_whole_batch_by_keyboard(browser: Any, store: Path) -> None:
    filled_store(store, 5, blind=(3,))
    with served_page(store) as address:
        anna = Annotator(browser, address, "anna")
        assert anna.ticked() == ["bal", "bronchial_wash", "diagnostic_bronchoscopy"]
        first = anna.page.locator("#boxes fieldset").first
        assert first.locator("legend").inner_text() == "Sources disagree on 2 flags"
        assert first.locator(".title").all_inner_texts() == ["BAL", "Bronchial Wash"]
        anna.answer(KEYS[Flag.BRONCHIAL_WASH], "Enter")
        assert anna.title == "Encounter e0001"
        anna.answer("x")
        anna.answer("i")
        assert anna.page.locator("#note mark").count() == 0, "blind: no hint in the note"
        assert anna.ticked() == []
        assert "blind" in anna.page.inner_text("#note-marks")
        anna.press("ArrowDown", "Space", KEYS[Flag.IPC], KEYS[Flag.IPC])
        assert len(anna.ticked()) == 1
        anna.answer("Enter")
        anna.answer("Enter")
        assert anna.page.inner_text("#nothing") == "All answered"
        assert anna.problems == []
    found = labels(store)
    assert true_flags(found["e0000"]) == ["bal", "diagnostic_bronchoscopy"]
    assert len(true_flags(found["e0003"])) == 1
    assert true_flags(found["e0004"]) == ["bal", "bronchial_wash", "diagnostic_bronchoscopy"]
    with AnnotationStore.open(store) as opened:
        counted = opened.progress()["annotators"]["anna"]
        assert (counted["accept"], counted["reject"], counted["ignore"]) == (3, 1, 1)
        assert opened.unfinished("b1") == 0


def test_undo_reload_and_a_closed_browser_lose_nothing(browser: Any, store: Path) -> None:
    filled_store(store, 3)
    with served_page(store) as address:
        anna = Annotator(browser, address, "anna")
        anna.press(KEYS[Flag.IPC])
        anna.page.reload()
        anna.page.wait_for_selector("#actions button")
        assert "ipc" in anna.ticked(), "ticks that were not sent survive a reload"
        anna.answer("Enter")
        anna.answer("x")
        anna.page.wait_for_timeout(SEEN_MS)
        anna.press("z")
        anna.page.wait_for_function(
            "() => document.getElementById('note-title').textContent.endsWith('e0001')"
        )
        anna.answer("Enter")
        assert anna.title == "Encounter e0002"
        anna.press(KEYS[Flag.PLEURODESIS])
        anna.page.close()
        anna.page = anna.open_tab()
        anna.page.wait_for_selector("#actions button")
        assert anna.title == "Encounter e0002"
        assert "pleurodesis" in anna.ticked()
        assert anna.problems == []
    found = labels(store)
    assert found["e0000"]["ipc"] == 1
    assert true_flags(found["e0001"]) == ["bal", "bronchial_wash", "diagnostic_bronchoscopy"]


def test_two_annotators_at_once_and_the_review_of_their_conflict(browser: Any, store: Path) -> None:
    filled_store(store, 2, overlap=2)
    with served_page(store) as address:
        anna, ben = (Annotator(browser, address, name) for name in ("anna", "ben"))
        assert anna.title == ben.title
        anna.press(KEYS[Flag.IPC])
        for one in (anna, ben, anna, ben):
            one.answer("Enter")
        assert anna.page.inner_text("#nothing") == "All answered"
        anna.page.click("#show-review")
        anna.page.wait_for_selector("#settle")
        votes = anna.page.inner_text(".votes")
        assert "anna: yes" in votes
        assert "ben: no" in votes
        anna.page.check("#rule-ipc-true")
        anna.press("Enter")
        anna.page.wait_for_selector("#nothing")
        assert anna.page.inner_text("#nothing") == "Nothing is disputed"
        ben.page.click("#show-progress")
        ben.page.wait_for_selector("#view table")
        text = ben.page.inner_text("#view")
        assert "Cohen's kappa" in text
        assert "[object" not in text
        assert anna.problems + ben.problems == []
    assert labels(store)["e0000"]["ipc"] == 1


def test_two_tabs_of_one_annotator_do_not_overwrite_each_other(browser: Any, store: Path) -> None:
    filled_store(store, 2)
    with served_page(store) as address:
        anna = Annotator(browser, address, "anna")
        late = anna.open_tab()
        late.wait_for_selector("#actions button")
        anna.answer(KEYS[Flag.IPC], "Enter")
        late.wait_for_timeout(SEEN_MS)
        late.keyboard.press("x")
        late.wait_for_selector("#alert:not([hidden])")
        assert "answered in another window" in late.inner_text("#alert")
        assert late.inner_text("#note-title") == "Encounter e0001"
    with AnnotationStore.open(store) as opened:
        assert opened.progress()["answers"] == 1
    assert labels(store)["e0000"]["ipc"] == 1


def test_with_a_token_file_the_token_says_who_annotates(
    browser: Any, store: Path, tmp_path: Path
) -> None:
    filled_store(store, 2)
    file = tmp_path / "tokens.json"
    token = add_token(file, Caller("anna", Role.ANNOTATE))
    with served_page(store, "--token-file", str(file)) as address:
        page = browser.new_context().new_page()
        page.goto(f"{address}/annotate/")
        page.fill("#given", "not a token")
        page.keyboard.press("Enter")
        page.wait_for_selector(".problem:not(:empty)")
        page.fill("#given", token)
        page.keyboard.press("Enter")
        page.wait_for_selector("#actions button")
        assert page.inner_text("#who") == "anna"
        assert page.is_hidden("#show-review"), "only an admin reviews"
        page.wait_for_timeout(SEEN_MS)
        page.keyboard.press("Enter")
        page.wait_for_function(
            "() => document.getElementById('note-title').textContent.endsWith('e0001')"
        )
        page.reload()
        page.wait_for_selector("#actions button")
        page.click("#leave")
        page.wait_for_selector("#given[type=password]")
    assert labels(store)["e0000"]["bal"] == 1
    with AnnotationStore.open(store) as opened:
        assert list(opened.progress()["annotators"]) == ["anna"]
        assert opened.live_leases() == [], "signing out frees the note on screen"


def test_an_answer_waits_for_a_server_that_is_down(browser: Any, store: Path) -> None:
    filled_store(store, 2)
    port = free_port()
    process = start_page(store, port)
    try:
        anna = Annotator(browser, f"http://127.0.0.1:{port}", "anna")
        process.kill()
        process.wait()
        anna.page.wait_for_timeout(SEEN_MS)
        anna.press(KEYS[Flag.IPC], "Enter")
        anna.page.wait_for_selector("#alert:not([hidden])")
        assert "Not saved yet" in anna.page.inner_text("#alert")
        assert anna.title == "Encounter e0000", "the page does not move on before it is on disk"
        process = start_page(store, port)
        anna.page.wait_for_function(
            "() => document.getElementById('note-title').textContent.endsWith('e0001')"
        )
        assert anna.page.is_hidden("#alert")
    finally:
        process.kill()
        process.wait()
    assert labels(store)["e0000"]["ipc"] == 1


@pytest.mark.parametrize("size", SIZES)
def test_everything_is_on_screen_named_and_in_reach(browser: Any, store: Path, size: str) -> None:
    filled_store(store, 1)
    with served_page(store) as address:
        anna = Annotator(browser, address, "anna", size)
        page = anna.page
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        for name in ("accept", "reject", "ignore", "undo"):
            box = page.locator(f"#do-{name}").bounding_box()
            assert box["x"] + box["width"] <= SIZES[size][0]
            assert box["y"] + box["height"] <= SIZES[size][1]
        boxes = page.get_by_role("checkbox", name="BAL")
        assert boxes.count() == 1
        assert page.get_by_role("group", name="Pleura").count() == 1
        assert page.get_by_role("button", name="Accept").count() == 1
        assert page.get_by_role("document", name="Encounter e0000").count() == 1
        page.keyboard.press("?")
        assert page.get_by_role("dialog", name="Keys").is_visible()
        page.get_by_label("Single keys act").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press(KEYS[Flag.IPC])
        assert "ipc" not in anna.ticked(), "single keys are off"
        assert anna.problems == []


def test_every_text_has_enough_contrast(browser: Any, store: Path) -> None:
    """WCAG 2.2 AA, computed on the rendered page: 4.5 to 1, or 3 to 1 for large text."""
    filled_store(store, 1)
    with served_page(store) as address:
        anna = Annotator(browser, address, "anna")
        anna.press("e")
        poor = anna.page.evaluate(CONTRAST)
        anna.press("?")
        poor += anna.page.evaluate(CONTRAST)
    assert poor == []


CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(parse(style.color).slice(0, 3)), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push([walk.currentNode.data.trim(), ratio]);
  }
  return poor;
}"""
