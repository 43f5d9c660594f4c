"""ICD-10-CM, HCPCS Level II and CPT: what exists, what is billable, what is near, what is meant."""

from thce.codes.catalogue import Catalogue, Code, Match
from thce.codes.code_types import CodeType, normalise
from thce.codes.load import catalogue_versions, load_catalogue

__all__ = [
    "Catalogue",
    "Code",
    "CodeType",
    "Match",
    "catalogue_versions",
    "load_catalogue",
    "normalise",
]
