"""A logger for Snakemake that shows how far a study is: `snakemake --logger=study`.

Snakemake finds it by the name of this package, wherever `src` is on the path. It imports nothing of
`idempotence`: the Snakefile may belong to another checkout. The whole of Snakemake's own log stays
in `.snakemake/log`.
"""

import copy
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_study.ending import unread_config

if TYPE_CHECKING:
    from snakemake_logger_plugin_study.console import Console

SECONDS_BETWEEN_LOOKS = 15.0  # at what time alone has changed


class LogHandler(LogHandlerBase):
    """Shows the progress of a study; Snakemake's own listing where that was asked for.

    The listing: dry runs, --verbose, --quiet, --printshellcmds, --debug-dag, and runs that print a
    plan or ship scores. An error in here never reaches Snakemake: it is noted once.
    """

    def __post_init__(self) -> None:
        from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

        asked = self.common_settings
        self.listing = ColorizingTextHandler(
            asked.nocolor,
            sys.stdout if asked.stdout else sys.stderr,
            DefaultFormatter(asked.quiet, asked.show_failed_logs),
            DefaultFilter(
                asked.quiet, asked.debug_dag, asked.verbose, asked.dryrun, asked.printshellcmds
            ),
        )
        self.noted = False
        self.stopped = Event()
        self.console: Console | None = None
        listed = asked.dryrun or asked.verbose or asked.quiet or asked.debug_dag
        if not (listed or asked.printshellcmds):
            self._try(None, self._open)

    def _open(self) -> None:
        from snakemake_logger_plugin_study.console import Console
        from snakemake_logger_plugin_study.screen import screen

        self.console = Console(screen(sys.stderr, self.common_settings.nocolor), self.listing)
        Thread(target=self._tick, daemon=True).start()

    def take_study(self, study: Mapping[str, Any]) -> None:
        """What the study is; the Snakefile calls it (`idempotence.workflow.announce`)."""
        if self.console is not None:
            self.console.study = study

    def emit(self, record: logging.LogRecord) -> None:
        """Show one event of Snakemake."""
        if getattr(record, "event", None) == LogEvent.ERROR:
            record = copy.copy(record)  # other handlers get the same one
            record.msg = unread_config(record.getMessage())
        if self.console is None:
            self.listing.handle(record)
            return
        console = self.console
        self._try(record, lambda: console.take(record))
        if console.listed:
            self.console = None

    def close(self) -> None:
        """Show how the run ended; the second call does nothing."""
        self.stopped.set()
        console, self.console = self.console, None
        if console is not None:
            self._try(None, console.end)
        super().close()

    def _tick(self) -> None:
        """A line now and then while no event arrives."""
        while not self.stopped.wait(SECONDS_BETWEEN_LOOKS):
            self.acquire()
            try:
                if self.console is not None:
                    self._try(None, self.console.refresh)
            finally:
                self.release()

    def _try(self, record: logging.LogRecord | None, act: Any) -> None:
        """Act; note an error once, and list the record if it is a warning or an error itself."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  # whatever it is, the study goes on
            with suppress(Exception):  # of a stream that is closed
                if not self.noted:
                    self.noted = True
                    name = type(error).__name__
                    print(f"The display of progress failed ({name}: {error}).", file=sys.stderr)
                if record is not None and record.levelno >= logging.WARNING:
                    self.listing.handle(record)

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return True

    @property
    def has_formatter(self) -> bool:
        return True

    @property
    def needs_rulegraph(self) -> bool:
        return False
