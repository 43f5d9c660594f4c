"""Law of the page: whatever tabs do at the same time, a task's answer is that of one of them."""

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from annotation_page import filled_store
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.annotations.answers import Verdict
from thce.annotations.screen import Given, OutdatedError, give, next_screen, screen_of
from thce.annotations.store import AnnotationStore
from thce.annotations.work import history
from thce.registry.labels import FLAGS

Tab = tuple[str, Verdict, frozenset[int], bool]
tabs = st.lists(
    st.tuples(
        st.sampled_from(["anna", "ben"]),
        st.sampled_from([Verdict.ACCEPT, Verdict.REJECT, Verdict.IGNORE]),
        st.frozensets(st.integers(0, len(FLAGS) - 1), max_size=4),
        st.booleans(),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(tabs)
def test_of_tabs_that_answer_at_once_one_per_annotator_wins(given_tabs: list[Tab]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = filled_store(Path(folder) / "annotations.sqlite", 1, overlap=2)
        names = sorted({tab[0] for tab in given_tabs})
        with AnnotationStore.open(path) as store:
            shown = {name: next_screen(store, name, 60) for name in names}
        together = threading.Barrier(len(given_tabs))

        def send(number: int, tab: Tab) -> tuple[Given, int | None]:
            name, verdict, ticks, twice = tab
            screen = shown[name]
            assert screen is not None
            accept = tuple(FLAGS[tick] for tick in sorted(ticks))
            sent = Given(f"tab-{number:04}", screen.task.task_id, 0, verdict, accept)
            with AnnotationStore.open(path) as store:
                together.wait()
                try:
                    first = give(store, name, sent, 60)
                    if twice:
                        again = give(store, name, sent, 60)
                        assert (again.version, again.new) == (first.version, False)
                except OutdatedError:
                    return sent, None
            return sent, first.version

        with ThreadPoolExecutor(len(given_tabs)) as threads:
            done = list(threads.map(send, range(len(given_tabs)), given_tabs))
        with AnnotationStore.open(path) as store:
            assert store.progress()["answers"] == len(names)
            for name in names:
                of_name = [one for one, tab in zip(done, given_tabs, strict=True) if tab[0] == name]
                ((winner, version),) = [one for one in of_name if one[1] is not None]
                now = screen_of(store, name, winner.task_id)
                assert (now.version, now.verdict, now.accept) == (
                    version,
                    winner.verdict,
                    winner.accept,
                )
                assert len(history(store, name, 10)) == 1
