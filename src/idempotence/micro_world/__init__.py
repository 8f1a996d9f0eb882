"""The synthetic language with exact truth: grammar, corpus, truth, prompts, tokenizer."""
