"""A judge of written traits, tuned from a small language model on texts with known shares."""
