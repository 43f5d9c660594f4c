"""Metrics, intervals, paired comparisons, figures and HTML reports, shared by all systems."""
