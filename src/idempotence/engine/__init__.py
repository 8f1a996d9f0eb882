"""Sampling from a model and reading its probabilities, by transformers or vLLM."""
