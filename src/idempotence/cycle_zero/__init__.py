"""Cycle-0 models that no chain goes on from: calibrated doses, learning rates."""
