"""Seed rows that a larger model writes, filtered and counted."""
