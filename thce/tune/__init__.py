"""Searching for settings, and judging what the search found."""
