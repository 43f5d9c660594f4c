"""Moving the weights of a weighted fusion to where people's labels on validation notes put them."""

import numpy as np
import pyarrow as pa

from thce.errors import InputError
from thce.registry.dataset import Split
from thce.registry.evidence import fit_weights
from thce.registry.fuse import Fusion, Signals, model_margin
from thce.registry.hydrated import read
from thce.registry.labels import UNKNOWN, Tier
from thce.registry.onnx_session import Probabilities
from thce.registry.threshold_file import Thresholds

COLUMNS = (
    "encounter_id",
    "label",
    "structured_signal",
    "cpt_codes",
    "cpt_signal",
    "keyword_signal",
    "keyword_confidence",
    "disputed_codes",
)


def fit_fusion(
    fusion: Fusion,
    hydrated: str,
    validation: Split,
    probabilities: Probabilities,
    thresholds: Thresholds,
) -> Fusion:
    """The fusion with fitted weights; as it is where it is not weighted.

    Only cells that people labelled count: the other labels are what the rules said, and would
    confirm whatever the rules say.

    Args:
        fusion: the configured fusion.
        hydrated: what the hydrate step wrote; its notes include the validation notes.
        validation: n validation notes, which the model was not trained on.
        probabilities: (n, 29) of them.
        thresholds: of the weights that gave them.

    Raises:
        InputError: a validation note is not among the hydrated ones.
    """
    if fusion.policy != "weighted":
        return fusion
    table = read(hydrated, COLUMNS)
    position = {name: row for row, name in enumerate(table["encounter_id"].to_pylist())}
    missing = [name for name in validation.encounter_ids if name not in position]
    if missing:
        raise InputError(
            f"{hydrated}: {len(missing)} validation notes are not there ({missing[0]}); "
            "give the hydrated notes that the dataset was built from"
        )
    rows = pa.array([position[name] for name in validation.encounter_ids], pa.int64())
    label = np.where(validation.tier == Tier.HUMAN, validation.label, UNKNOWN).astype(np.int8)
    weights = fit_weights(
        model_margin(probabilities, thresholds),
        Signals.from_table(table.take(rows)).sources,
        label,
    )
    return fusion.model_copy(update={"weights": weights})
