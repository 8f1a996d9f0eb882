# A picture's files, the script that draws it, and whether it has content.
from idempotence.audit.paths import gives_doses

# An audit whose rows come without any dose has no grids.
AUDITED_DOSES = gives_doses(JOBS.read_replies()) if STUDY.audit.files else False


def pictures(name, caption, category, **labels):
    """The files of a figure, numbers and caption beside it; the SVG is the one in the report."""
    return {
        **{
            f"after_{suffix}": f"{FIGURES}/{name}.{suffix}"
            for suffix in ("pdf", "png", "csv", "txt")
        },
        "after_svg": report(
            f"{FIGURES}/{name}.svg",
            caption=f"../report/{caption}.rst",
            category=category,
            labels=labels or None,
        ),
    }


def plot_script(name, figure, *files, **values):
    """Params for drawing a figure, whose name may hold the wildcard {setting}; see `script`."""
    prefix = f"{FIGURES}/{figure}"
    if "{setting}" in figure:
        values["setting"] = lambda w: w.setting
        return script(
            name, *files, output_prefix=lambda w: prefix.format(setting=w.setting), **values
        )
    return script(name, *files, output_prefix=prefix, **values)


def settings_of(figure):
    """The settings that a figure is drawn of: maps and grids of doses compare at least two.

    Which doses an audited setting has is known only when its files were read.
    """
    if figure not in ("grid", "dose_map") or STUDY.audit.files:
        return list(SETTINGS)
    return [name for name, setting in SETTINGS.items() if len(setting.cells) > 1]


def has_content(figure):
    """Whether a figure has something to show; an audit has what its files give."""
    if figure == "worlds":  # beside the micro world's own study
        shipped = Path(PATHS.own("results/shipped/default/scores.parquet")).is_file()
        return STUDY.texts == "written" and not STUDY.audit.files and shipped
    if not STUDY.audit.files:
        return bool(settings_of(figure))
    objectives = {setting.objective for setting in STUDY.settings}
    return {
        "metrics": True,
        "judge": STUDY.texts == "micro_world" and STUDY.scored,
        "dpo": STUDY.scored and "dpo" in objectives,
        "continual_vs_reinit": STUDY.scored and bool(STUDY.twins),
        "grid": STUDY.scored and AUDITED_DOSES,
        "dose_map": STUDY.scored and AUDITED_DOSES,
    }.get(figure, STUDY.scored)
