"""From answers to scores: rubric prompts, the protocol, judges here or behind an endpoint."""
