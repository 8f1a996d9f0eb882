"""The chains that a study will have, for what is computed before it runs."""

from idempotence.config.study import Study
from idempotence.jobs.parts import Grid, SettingGrid


def planned_grid(study: Study) -> Grid:
    """The chains of each setting; none of an audit, whose files say which there are."""
    settings = () if study.audit.files else study.settings
    grids = (SettingGrid(s.name, s.models, s.traits, s.seeds, s.cells) for s in settings)
    return Grid(tuple(grids), study.tuning.score)
