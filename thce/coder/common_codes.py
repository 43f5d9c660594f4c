"""The shipped list of common codes: our own selection, not a measured frequency."""

import csv
from functools import cache
from importlib.resources import files

from thce.codes.code_types import CodeType


@cache
def common_codes() -> frozenset[tuple[CodeType, str]]:
    """500 ICD-10-CM, 200 CPT and 100 HCPCS codes."""
    text = files("thce.coder").joinpath("data/common_codes.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return frozenset((CodeType(row["code_type"]), row["code"]) for row in csv.DictReader(lines))
