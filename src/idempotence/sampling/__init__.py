"""Answers of a panel's models, and the next cycle's training data."""
