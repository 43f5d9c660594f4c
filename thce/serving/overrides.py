"""How often people decide otherwise than the bundle did: from the one annotation store."""

from dataclasses import dataclass, field
from typing import Any

from thce.annotations.store import AnnotationStore
from thce.registry.labels import FLAG_NAMES


@dataclass
class Overrides:
    """Of one bundle.

    Attributes:
        notes: answered notes that it had an opinion on.
        cells: flags of them that people decided.
        overridden: those decided otherwise.
        by_flag: the same by flag.
    """

    notes: int = 0
    cells: int = 0
    overridden: int = 0
    by_flag: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """Share of the cells; None without any."""
        return self.overridden / self.cells if self.cells else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return vars(self) | {"rate": self.rate}


def overrides(store: AnnotationStore) -> dict[str, Overrides]:
    """By bundle version, over all batches; the latest task of a note counts."""
    human = {row["encounter_id"]: row for row in store.human_labels().table.to_pylist()}
    tasks = {
        task.encounter_id: task
        for batch in store.batches()
        for task in store.tasks(batch.batch)
        if task.encounter_id in human and task.meta.get("model_version")
    }
    found: dict[str, Overrides] = {}
    for encounter_id, task in tasks.items():
        one = found.setdefault(task.meta["model_version"], Overrides())
        one.notes += 1
        for name in FLAG_NAMES:
            decided = human[encounter_id][name]
            if decided is None:
                continue
            one.cells += 1
            if bool(decided) != (name in task.meta["ml_accept"]):
                one.overridden += 1
                one.by_flag[name] = one.by_flag.get(name, 0) + 1
    return found
