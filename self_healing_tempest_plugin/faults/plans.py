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

"""What is to be done to a host, and undone: plain data, no code.

A plan goes into the journal before anything is touched, so that a process
that knows nothing of the one that made it can take the fault back.
"""

import dataclasses
import math
import secrets
import shlex
import typing


@dataclasses.dataclass(frozen=True)
class Command:
    """One command, on the runner, on a host, or towards one.

    :ivar transport: name of a transport, see :mod:`.transports`
    :ivar target: address of the host; empty on the runner
    :ivar argv: program and arguments; never a line for a shell
    :ivar stdin: what the command reads: over SSH a script, which may be
        longer than a line can be; on the runner lines NAME=VALUE
    :ivar environment: pairs of a variable and the file whose content is its
        value: a password, which no plan holds; on the runner only
    :ivar parameters: path of a file with lines NAME=VALUE, which the command
        reads before ``stdin``: a password may be among them, so that no plan
        holds them; empty where there are none; on the runner only
    :ivar again: whether it is run again while it fails, for as long as one
        command may take; on the runner only
    :ivar answers: exit statuses with which it has not failed
    :ivar done: where it is set, what counts when the command fails: it has
        done its work when this holds, whatever it says
    """

    transport: str
    target: str
    argv: tuple[str, ...]
    stdin: str = ''
    environment: tuple[tuple[str, str], ...] = ()
    parameters: str = ''
    again: bool = False
    answers: tuple[int, ...] = (0,)
    done: 'Check | None' = None

    def __str__(self):
        where = '%s ' % self.target if self.target else ''
        return '%s: %s%s%s' % (
            self.transport, where, shlex.join(self.argv), self._read())

    def _read(self):
        lines = self.stdin.splitlines()
        if self.parameters:
            return ' <(%s and %s)' % (self.parameters, ' '.join(lines))
        return ' <(a script of %d lines)' % len(lines) if lines else ''


@dataclasses.dataclass(frozen=True)
class Check:
    """A question that a command answers with yes or no.

    :ivar what: what is so when the check holds, e.g. "NIC eth1 is up"
    :ivar command: asks; with a pattern, an exit status that is not 0 is no
        answer
    :ivar pattern: regular expression that is looked for in standard output;
        without one, exit status 0 is a yes and :attr:`no` a no
    :ivar holds: the answer with which the check holds
    :ivar before: where it is set, standard output is the network of a host,
        and the answer is whether that is as in here, see :mod:`.snapshots`
    :ivar no: the exit status that is a no, where there is no pattern
    :ivar asked: who is asked, e.g. "its BMC at 192.0.2.7", for where no
        answer comes; empty: the command says it well enough
    :ivar opposite: regular expression that is found where :attr:`pattern` is
        not; what has neither is no answer. The name of a group in each says
        for people what it stands for. Empty: all else is a no
    """

    what: str
    command: Command
    pattern: str = ''
    holds: bool = True
    before: typing.Mapping | None = None
    no: int = 1
    asked: str = ''
    opposite: str = ''


@dataclasses.dataclass(frozen=True)
class Plan:
    """One fault, from the state before it to the state after it.

    :ivar id: tells this fault from all others
    :ivar kind: name of its kind, see :mod:`.kinds`
    :ivar host: the Nova host name
    :ivar description: the fault in a few words
    :ivar look_at: where to look when it cannot be injected or shows not
    :ivar checks: they hold without the fault, before it and after it
    :ivar inject: breaks
    :ivar witnesses: they hold with the fault
    :ivar revert: repairs, whatever part of the fault is there
    :ivar arm: starts the timer on the host that repairs as well
    :ivar disarm: stops that timer, if it is there
    :ivar timer: seconds until the timer repairs, 0 where there is none
    """

    id: str
    kind: str
    host: str
    description: str
    look_at: str
    checks: tuple[Check, ...]
    inject: tuple[Command, ...]
    witnesses: tuple[Check, ...]
    revert: tuple[Command, ...]
    arm: tuple[Command, ...] = ()
    disarm: tuple[Command, ...] = ()
    timer: float = 0.0


def new_id():
    """Return an id that is fit for names of units, tables and files."""
    return secrets.token_hex(4)


def to_dict(plan):
    """Return a plan as plain dicts and lists, ready for JSON."""
    return dataclasses.asdict(plan)


def from_dict(values):
    """Return the plan that :func:`to_dict` made the values of.

    Fields that this version does not know are passed over.

    :raises ValueError: when it is none
    """
    try:
        lists = {
            'checks': _checks(values['checks']),
            'witnesses': _checks(values['witnesses']),
            'timer': _timer(values['timer'])}
        for name in ('inject', 'revert', 'arm', 'disarm'):
            lists[name] = tuple(map(_command, values[name]))
        return Plan(**dict(_known(Plan, values), **lists))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError('no plan of a fault: %r' % error) from None


def _known(kind, values):
    names = {field.name for field in dataclasses.fields(kind)}
    kept = {name: values[name] for name in values if name in names}
    for name in ('id', 'kind', 'host', 'description', 'look_at', 'transport',
                 'target', 'what', 'pattern', 'stdin', 'parameters',
                 'asked', 'opposite'):
        if not isinstance(kept.get(name, ''), str):
            raise TypeError('%s %r' % (name, kept[name]))
    return kept


def _timer(value):
    timer = float(value)
    if not (math.isfinite(timer) and timer >= 0):
        raise TypeError('timer %r' % (value,))
    return timer


def _command(values):
    argv = values['argv']
    if isinstance(argv, str) or not argv or not all(
            isinstance(word, str) for word in argv):
        raise TypeError('argv %r' % (argv,))
    done = values.get('done')
    return Command(**dict(
        _known(Command, values), argv=tuple(argv), environment=tuple(
            (str(name), str(path))
            for name, path in values.get('environment', ())),
        again=bool(values.get('again', False)),
        answers=tuple(map(int, values.get('answers', (0,)))),
        done=None if done is None else _check(done)))


def _checks(values):
    return tuple(map(_check, values))


def _check(values):
    check = Check(**dict(_known(Check, values),
                         command=_command(values['command']),
                         no=int(values.get('no', 1))))
    if not isinstance(check.before, (dict, type(None))):
        raise TypeError('before %r' % (check.before,))
    return check
