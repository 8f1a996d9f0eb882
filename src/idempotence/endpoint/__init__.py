"""Models behind an OpenAI-compatible endpoint, and the answers that are kept."""
