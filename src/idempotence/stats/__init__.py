"""Regressions, tests and intervals, a module per table."""
