"""Vectors of many texts, kept under THCE_HOME: encoding them takes minutes on a slow machine.

They are kept in parts, so that a run that was stopped goes on where it was.
"""

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thce.coder.encoder import TERM_TOKENS, Encoder
from thce.codes.columns import DamagedFile, read_columns, write_columns
from thce.paths import home

PART = 4096  # texts in a file

log = logging.getLogger(__name__)


def term_vectors(name: str, texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    """(texts, width) unit vectors, from `THCE_HOME/coder/retrieval` where they lie there.

    Args:
        name: begins the names of the files; hashes of texts and of the encoder's weights end them.
        texts: to encode.
        encoder: says by its `key` which weights.
    """
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    place = {text: number for number, text in enumerate(distinct)}
    parts = [
        _part(name, distinct[start : start + PART], encoder)
        for start in range(0, len(distinct), PART)
    ]
    return np.concatenate(parts)[[place[text] for text in texts]]


def _part(name: str, texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    digest = hashlib.sha256("\n".join([encoder.key, *texts]).encode()).hexdigest()
    path = home() / "coder" / "retrieval" / f"{name}-{digest[:16]}.columns"
    try:
        _, arrays = read_columns(path)
        return arrays["vectors"].astype(np.float32)
    except FileNotFoundError:
        pass
    except DamagedFile:
        log.warning("%s is damaged; its texts are encoded anew", path)
    log.info("encoding %d official terms, once for this encoder", len(texts))
    vectors = encoder.encode(texts, TERM_TOKENS).astype(np.float16)
    write_columns(path, {"encoder": encoder.key}, {"vectors": vectors})
    return vectors.astype(np.float32)
