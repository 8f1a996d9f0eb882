"""The paper's claims as tests fixed in advance, and their verdicts."""
