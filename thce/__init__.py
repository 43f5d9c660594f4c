"""Clinical coding with a health system's own models, on its own Ray cluster."""

__version__ = "0.1.0"
