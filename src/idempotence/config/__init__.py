"""The config: one validated study, and the panels and cells that it asks for."""

from idempotence.config.load import load_study
from idempotence.config.models import Study
from idempotence.config.panels import Cell, Panel

__all__ = ["Cell", "Panel", "Study", "load_study"]
