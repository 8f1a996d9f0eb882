"""A module per figure; style and labels that they share."""
