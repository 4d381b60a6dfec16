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

"""Where a run can get a signal."""

import dataclasses
import signal

KINDS = ('host-crash', 'host-isolated', 'data-nic-down', 'data-nic-blip',
         'management-nic-down', 'packets-dropped', 'compute-service-stopped',
         'compute-service-frozen')
STATES = ('planned', 'armed', 'injected', 'witnessed', 'reverted', 'verified')
MOMENTS = ('before', 'after')

#: A run that breaks nothing: what it creates is enough.
NOTHING = 'nothing'
#: What a run does in the cloud, in its order: with what, and what to it.
OBJECTS = (
    ('template', 'planned'), ('template', 'adding'), ('template', 'created'),
    ('stack', 'planned'), ('stack', 'creating'), ('stack', 'created'),
    ('stack', 'learned'), ('executions', 'deleting'), ('stack', 'deleting'),
    ('stack', 'removed'), ('template', 'deleting'), ('template', 'removed'))
#: Seconds after the request, of those that take their time.
DURING = (('stack', 'creating', 'before', 0.4),
          ('stack', 'created', 'after', 4.0),
          ('template', 'adding', 'before', 0.1),
          ('template', 'created', 'after', 0.2),
          ('stack', 'deleting', 'before', 0.2),
          ('stack', 'deleting', 'after', 3.0),
          ('template', 'deleting', 'before', 0.1))
#: What is cleaned up after a fault.
AFTERWARDS = (('stack', 'deleting', 'after'), ('template', 'deleting',
                                               'before'))

#: A host without power has no timer.
WITHOUT_TIMER = frozenset(['host-crash'])
#: They go down a moment after the command, and these seconds are within it.
NICS = ('host-isolated', 'data-nic-down', 'data-nic-blip',
        'management-nic-down')
HEAD_START = (0.0, 0.15, 0.25)

#: How the host is powered off a while after the command was run: in the
#: shell itself, below it, past a polite end, and in a session of its own.
SLEEPERS = {
    'in the shell': 'sh -c "sleep {seconds}; exec {off}"',
    'below the shell': 'sh -c "(sleep {seconds}; {off}); true"',
    'past SIGTERM': 'sh -c "trap : TERM HUP INT; sleep {seconds}; '
                    'sleep 1; exec {off}"',
    'in the background': 'sh -c "(sleep {seconds}; {off}) & wait"',
}
#: Seconds until the host repairs itself, and for how long it is waited for.
TIMER = 15
#: Seconds that they sleep, and after which the run is killed.
SLEEP, KILLED_AFTER = 6, 2.0


@dataclasses.dataclass(frozen=True)
class Point:
    """Where a run gets a signal.

    :ivar kind: of the fault, or :data:`NOTHING`
    :ivar what: see ``victim.Point``, as are the next three
    :ivar number: the signal
    :ivar sleeper: a key of :data:`SLEEPERS`, or ''
    """

    kind: str
    what: str
    state: str
    moment: str
    seconds: float = 0.0
    number: signal.Signals = signal.SIGKILL
    sleeper: str = ''

    @property
    def name(self):
        """Return a name that no other point of its kind has."""
        verb = {signal.SIGKILL: 'killed', signal.SIGSTOP: 'stopped',
                signal.SIGINT: 'interrupted'}[self.number]
        if self.sleeper:
            return '%s while power-off sleeps %s' % (verb, self.sleeper)
        what = '' if self.what == 'fault' else '%s ' % self.what
        later = ' %g s' % self.seconds if self.seconds else ''
        return '%s%s %s %s%s' % (
            verb, later, 'after' if later else self.moment, what, self.state)


def points(kinds, application=True):
    """Yield all points, in an order that shows most first.

    :param kinds: of faults, and :data:`NOTHING`
    :param application: whether runs have one
    """
    if NOTHING in kinds and application:
        for what, state in OBJECTS:
            for moment in MOMENTS:
                yield Point(NOTHING, what, state, moment)
        for fields in DURING:
            yield Point(NOTHING, *fields)
    for kind in (kind for kind in KINDS if kind in kinds):
        for state in STATES:
            for moment in MOMENTS:
                yield Point(kind, 'fault', state, moment)
        if kind not in WITHOUT_TIMER:
            yield Point(kind, 'fault', 'injected', 'after',
                        number=signal.SIGSTOP)
        else:
            for sleeper in SLEEPERS:
                yield Point(kind, 'fault', 'armed', 'after', KILLED_AFTER,
                            sleeper=sleeper)
        if kind in NICS:
            for seconds in HEAD_START:
                yield Point(kind, 'fault', 'injected', 'before', seconds,
                            signal.SIGINT)
        for fields in AFTERWARDS if application else ():
            yield Point(kind, *fields)
