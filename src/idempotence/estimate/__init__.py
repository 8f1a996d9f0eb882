"""What a study will do and cost, before anything runs; torch is not imported."""
