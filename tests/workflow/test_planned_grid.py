"""The chains that a study will have are those of its panels and cells."""

from make_config import load

from idempotence.jobs.parts import Grid
from idempotence.workflow.planned_grid import planned_grid


def test_the_grid_has_the_studys_panels_and_cells():
    study = load()
    grid = planned_grid(study)
    chains = {
        (each.setting, model, trait, seed, cell.name)
        for each in grid.settings
        for model in each.models
        for trait in each.traits
        for seed in range(each.seeds)
        for cell in each.cells
    }
    expected = {
        (panel.setting.name, panel.model.name, panel.trait, panel.seed, cell.name)
        for panel in study.panels()
        for cell in panel.cells
    }
    assert chains == expected and grid.score_0 == study.tuning.score
    assert Grid.from_json(grid.to_json()) == grid
