"""Mistakes of extra arms: where they mean nothing, or would part twins."""

from idempotence.config.checks.known import Known, Mistakes
from idempotence.config.grid import SETTINGS

PAIRED = ("rejected_from", "seed_share", "min_coherence")  # restart_at is about the start itself


def arms(known: Known, setting: str) -> Mistakes:
    """Restarts of what goes on, within its cycles; rejected replies of dpo; twins that stay twins."""
    objective, start = SETTINGS[setting]
    own = ("per_setting", setting)
    last = known(*own, "cycles") or known("cycles")
    for key, cycle in known.each(*own, "restart_at"):
        if start != "previous":
            yield key, f"{setting} starts from the initial model at every cycle; nothing restarts"
        elif cycle > last:
            yield key, f"{cycle} is beyond the last cycle of {setting} ({last})"
    if objective != "dpo" and known(*own, "rejected_from") != "initial":
        yield (*own, "rejected_from"), f"is no arm of {setting}: only dpo has rejected replies"
    used = [name for _, name in known.each("settings")]
    for twin in used[: used.index(setting)] if setting in used else []:
        if SETTINGS[twin][0] == objective:
            yield from _unlike(known, setting, twin)


def _unlike(known: Known, setting: str, twin: str) -> Mistakes:
    for name in PAIRED:
        mine, its = (known("per_setting", s, name) for s in (setting, twin))
        if mine != its:
            text = f"{mine!r} is not its twin's ({twin}: {its!r}), so they would not be compared"
            yield (
                ("per_setting", setting, name),
                f"{text} by their starts alone; give both the same",
            )
