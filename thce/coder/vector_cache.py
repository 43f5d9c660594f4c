"""Vectors of many texts, kept under THCE_HOME: encoding them takes minutes on a slow machine."""

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thce.coder.encoder import TERM_TOKENS, Encoder
from thce.codes.columns import DamagedFile, read_columns, write_columns
from thce.paths import home

log = logging.getLogger(__name__)


def term_vectors(name: str, texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    """(texts, width) unit vectors, from `THCE_HOME/coder/retrieval` where they lie there.

    Args:
        name: begins the file's name; a hash of the texts and of the encoder's weights ends it.
        texts: to encode.
        encoder: says by its `key` which weights.
    """
    digest = hashlib.sha256("\n".join([encoder.key, *texts]).encode()).hexdigest()
    path = home() / "coder" / "retrieval" / f"{name}-{digest[:16]}.columns"
    try:
        _, arrays = read_columns(path)
        return arrays["vectors"].astype(np.float32)
    except FileNotFoundError:
        pass
    except DamagedFile:
        log.warning("%s is damaged; the texts are encoded anew", path)
    distinct = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(distinct)}
    log.info("encoding %d official terms, once for this encoder", len(distinct))
    encoded = encoder.encode(distinct, TERM_TOKENS)
    vectors = encoded[[place[text] for text in texts]]
    write_columns(path, {"encoder": encoder.key}, {"vectors": vectors.astype(np.float16)})
    return vectors
