# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""What a run is waiting for, on a terminal, while it waits."""

import contextlib
import sys

from rich import console as consoles
from rich import live
from rich import progress_bar
from rich import table
from rich import text

from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import encoding
from self_healing_tempest_plugin.report import formatting
from self_healing_tempest_plugin.report import table as tables
from self_healing_tempest_plugin import waiting

_STATE_LENGTH = 60
_BAR = 16

# Styles of the states, for terminals that have colours.
_STYLES = {'came': 'green', 'now': 'bold', 'late': 'red', 'later': 'dim',
           'quiet': 'dim'}


class _Console(consoles.Console):
    """A console whose end is not the end of the process."""

    def on_broken_pipe(self):
        """Let the caller decide; rich would exit, and redirect the output."""
        raise


class Progress:
    """Shows each link while it is waited for; a context manager.

    To be called with each timeline that was looked at, as the ``show`` of
    :meth:`..watching.watch.Watch.until_over`. It prints nothing where standard
    error is no terminal, as in the workers of stestr, and gives the terminal
    back as it was, whatever happens.
    """

    def __init__(self, *expectations, stream=None, enabled=None,
                 clock=waiting.CLOCK):
        """Prepare to show a run; nothing is printed yet.

        :param expectations: :class:`..model.expectations.Expectation` of each
            application
        :param stream: where to print, standard error when None
        :param enabled: whether to print; None: when it is a terminal
        :param clock: :class:`..waiting.Clock`, the one of the recorder
        """
        self._expectations, self._clock = expectations, clock
        stream = sys.stderr if stream is None else stream
        self._live = None
        if enabled or enabled is None and stream.isatty():
            # Between two looks nothing changes: no thread has to refresh.
            self._live = live.Live(
                console=_Console(file=encoding.Stream(stream), highlight=False,
                                 force_terminal=True),
                auto_refresh=False, redirect_stdout=False,
                redirect_stderr=False)

    def __enter__(self):
        if self._live is not None:
            with _terminal_may_go():
                self._live.start()
        return self

    def __exit__(self, *exc_info):
        if self._live is not None:
            with _terminal_may_go():
                self._live.stop()

    def __call__(self, *timelines):
        """Show a run as it is.

        :param timelines: :class:`..model.timelines.Timeline` of each
            application
        """
        if self._live is None:
            return
        now = self._clock.now()
        view = consoles.Group(*(
            picture(timeline, expectation, now) for timeline, expectation
            in zip(timelines, self._expectations)))
        with _terminal_may_go():
            self._live.update(view, refresh=True)


def _terminal_may_go():
    # The run is worth more than what it shows.
    return contextlib.suppress(OSError, ValueError)


def picture(timeline, expectation, now):
    """Return what is shown of a run.

    :param timeline: :class:`..model.timelines.Timeline`
    :param expectation: :class:`..model.expectations.Expectation`
    :param now: seconds on the runner's monotonic clock
    :returns: what rich can print
    """
    view = table.Table(box=None, pad_edge=False, show_header=False,
                       title_justify='left', title_style='bold',
                       title=_plain(_title(timeline, expectation, now)))
    for name in ('link', 'when', 'left'):
        view.add_column(name, no_wrap=True)
    # On a narrow terminal it is this column that is cut.
    view.add_column('what')
    for cells in _rows(timeline, expectation, now):
        view.add_row(*cells)
    return view


def _title(timeline, expectation, now):
    injected = timeline.transition('injected')
    since = '' if injected is None else ' %s' % formatting.after(
        now - injected.begin)
    return '%s%s' % (expectation.fault, since)


def _rows(timeline, expectation, now):
    """Yield the cells of each step, and of each link that must not come."""
    if timeline.transition('injected') is None:
        return
    pending = {missing.step: missing
               for missing in stopping.pending(timeline, expectation)}
    first = next(iter(pending), None)
    for step in expectation.steps:
        if step not in pending:
            yield _came(timeline, expectation, step)
        elif step == first:
            yield _waiting(timeline, pending[step], now)
        else:
            yield _cells(_name(step.link, step.mark), 'later',
                         formatting.UNKNOWN, '', '')
    for link in expectation.forbidden:
        yield _forbidden(timeline, expectation, link, now)


def _came(timeline, expectation, step):
    arrival = expectation.arrival(timeline, step.link, step.mark)
    when = timeline.when(arrival)
    zero = timeline.transition('injected').begin
    return _cells(_name(step.link, step.mark), 'came', formatting.between(
        when.begin - zero, when.end - zero), '', arrival.object_id)


def _waiting(timeline, pending, now):
    link, since = pending.step.link, pending.since
    waited = max(0.0, now - since)
    allowed = max(0.1, pending.deadline - since)
    return _cells(
        _name(link, pending.step.mark),
        'late' if now > pending.deadline else 'now',
        '%.1f of %.0f s' % (waited, allowed),
        progress_bar.ProgressBar(total=allowed, completed=min(
            waited, allowed), width=_BAR), _state(timeline, link))


def _forbidden(timeline, expectation, link, now):
    came = any(evidence.link is link and expectation.ties(evidence)
               for evidence in timeline.evidence)
    end = expectation.quiet_end(timeline)
    left = '' if end is None else '%.1f s left' % max(0.0, end - now)
    return _cells(link.name, 'late' if came else 'quiet',
                  'came' if came else 'must not come', left,
                  _state(timeline, link))


def _name(link, mark):
    return '%s %s' % (link.name, mark.value) if link.lasting else link.name


def _state(timeline, link):
    watched = timeline.watched.get(link)
    return '' if watched is None else watched.state


def _cells(name, state, when, progress, what):
    if isinstance(progress, str):
        progress = _plain(progress)
    return (_plain(name, _STYLES[state]), _plain(when), progress, _plain(
        runtime.line(what, _STATE_LENGTH), 'dim'))


def _plain(value, style=''):
    """Return text that no markup and no control character can change."""
    return text.Text(tables.visible(value).replace('\n', ' '), style=style,
                     no_wrap=True, overflow='ellipsis')
