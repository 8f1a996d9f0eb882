"""Questions, seed rows, prompts and rubrics of a panel, from the micro world or from files."""
