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

"""The journal of faults: real files, real processes, a real full disk."""

import dataclasses
import json
import os
import pathlib
import pwd
import stat
import subprocess
import sys

import fixtures
import testtools

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.tests.unit import host_samples

State = journals.State

# Takes the lock, says so, and keeps it until its input ends.
HOLDER = """
import sys
from self_healing_tempest_plugin.faults import journals
with journals.Journal(sys.argv[1]).held():
    print('held', flush=True)
    sys.stdin.read()
"""

# Injects a fault where files may have no more than so many bytes.
FULL_DISK = """
import pathlib, resource, signal, sys
from self_healing_tempest_plugin.faults import journals, lifecycle, transports
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.watching import recorders
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
directory = pathlib.Path(sys.argv[1])
journal = journals.Journal(str(directory / 'state'))
plan = host_samples.file_plan(directory / 'fault')
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with journal.held(), lifecycle.injected(
            plan, journal, transports.Transports(host_samples.ACCESS),
            host_samples.TIMES, recorders.Recorder()):
        print('injected')
except (journals.JournalError, lifecycle.RevertFailed) as error:
    print('%s: %s' % (type(error).__name__, error))
"""


def mode(path):
    """Return the permission bits of a file."""
    return stat.S_IMODE(os.stat(path).st_mode)


class WriteTest(host_samples.JournalTestCase):
    """What is on the disk after each call."""

    def test_plan_and_states(self):
        plan = self.plan()
        self.assertFalse(self.state_dir.exists())
        self.journal.plan(plan)
        self.assertEqual(1, len(self.lines()))
        first = json.loads(self.lines()[0])
        self.assertEqual(
            (2, plan.id, 'planned', 'file %s' % self.file, os.getpid()),
            (first['format'], first['id'], first['state'],
             first['plan']['description'], first['pid']))
        for number, state in enumerate(list(State)[1:7], 2):
            self.journal.record(plan.id, state, 'for people')
            line = json.loads(self.lines()[-1])
            self.assertEqual(
                (number, state.value, plan.id, 'for people'),
                (len(self.lines()), line['state'], line['id'],
                 line['detail']))

    def test_whole_lines(self):
        """Whatever a detail says, a state is one line."""
        plan = self.plan(description='one\ntwo\u2028three\x1cfour')
        self.journal.plan(plan)
        self.journal.record(plan.id, State.ARMED, 'a\nb')
        self.assertEqual(2, len(self.lines()))
        entries, damages = self.journal.read()
        self.assertEqual(((plan,), ()),
                         (tuple(entry.plan for entry in entries), damages))

    def test_permissions(self):
        """Plans are commands: nobody else may write or read them."""
        before = os.umask(0)
        try:
            self.journal.plan(self.plan())
            with self.journal.held():
                pass
        finally:
            os.umask(before)
        self.assertEqual((0o700, 0o600), (mode(self.state_dir),
                                          mode(self.journal.path)))

    def test_synced(self):
        """The line is on the disk, and so is the name of the file."""
        synced = []
        real = os.fsync

        def fsync(descriptor):
            path = os.readlink('/proc/self/fd/%d' % descriptor)
            size = os.fstat(descriptor).st_size
            synced.append((path, size if os.path.isfile(path) else None))
            real(descriptor)

        self.patch(os, 'fsync', fsync)
        self.journal.plan(self.plan())
        self.assertEqual(
            [(str(self.directory), None),
             (self.journal.path, os.path.getsize(self.journal.path)),
             (str(self.state_dir), None)], synced)

    def test_directory_that_cannot_be(self):
        self.file.touch()
        journal = journals.Journal(str(self.file / 'state'))
        for call in (lambda: journal.plan(self.plan()),
                     journal.held().__enter__):
            error = self.assertRaises(journals.JournalError, call)
            self.assertIn(str(self.file), str(error))
            self.assertIn('[self_healing] state_dir', str(error))


class RecordsTest(testtools.TestCase):
    """What has been read cannot be changed, only written."""

    def test_frozen(self):
        for record in (journals.Object, journals.Damage, journals.Entry):
            self.assertRaises(
                dataclasses.FrozenInstanceError, setattr,
                object.__new__(record), dataclasses.fields(record)[0].name,
                'else')


class ReadTest(host_samples.JournalTestCase):
    """What is read back."""

    def append(self, data):
        """Write bytes behind what is there."""
        self.state_dir.mkdir(exist_ok=True)
        with open(self.journal.path, 'ab') as stream:
            stream.write(data)

    def line(self, **changes):
        """Return the line of a plan, with changes."""
        self.journal.plan(self.plan())
        line = dict(json.loads(self.lines()[-1]), **changes)
        os.unlink(self.journal.path)
        return json.dumps({key: value for key, value in line.items()
                           if value is not None}).encode()

    def damage(self, line):
        """Return why a line that stands alone cannot be read."""
        self.append(line + b'\n')
        entries, (damage,) = self.journal.read()
        self.assertEqual(((), 1), (entries, damage.number))
        os.unlink(self.journal.path)
        return damage.why

    def test_nothing(self):
        self.assertEqual(((), ()), self.journal.read())
        self.assertEqual((), self.journal.open_entries())
        self.journal.refuse_open()
        self.assertFalse(self.state_dir.exists())

    def test_back(self):
        """All of a plan comes back, and when it was made."""
        plan = self.plan(timer=3.5, arm=(host_samples.sh('true'),))
        self.journal.plan(plan)
        self.journal.record(plan.id, State.ARMED)
        (entry,), _ = self.journal.read()
        self.assertEqual((plan, (State.PLANNED, State.ARMED), State.ARMED),
                         (entry.plan, entry.states, entry.state))
        self.assertAlmostEqual(json.loads(self.lines()[0])['at'],
                               entry.since)

    def test_open_until_verified(self):
        plan = self.plan()
        self.journal.plan(plan)
        for state in (State.ARMED, State.INJECTED, State.UNWITNESSED,
                      State.REVERTED):
            self.journal.record(plan.id, state)
            self.assertTrue(self.journal.read()[0][0].open)
        self.journal.record(plan.id, State.VERIFIED)
        self.assertFalse(self.journal.read()[0][0].open)
        self.assertEqual((), self.journal.open_entries())

    def test_newest_first(self):
        plans = [self.plan() for _ in range(3)]
        for plan in plans:
            self.journal.plan(plan)
        self.journal.record(plans[1].id, State.VERIFIED)
        self.assertEqual(
            [plans[2].id, plans[0].id],
            [entry.plan.id for entry in self.journal.open_entries()])

    def test_torn_line(self):
        """A line that broke off stays damage, and the next one is whole."""
        old, new = self.plan(), self.plan()
        self.journal.plan(old)
        self.append(b'{"format": 1, "id": "torn", "sta')
        self.journal.plan(new)
        entries, (damage,) = self.journal.read()
        self.assertEqual([old, new], [entry.plan for entry in entries])
        self.assertEqual((2, '{"format": 1, "id": "torn", "sta'),
                         (damage.number, damage.text))

    def test_torn_record(self):
        """A torn record does not close a fault."""
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.record(plan.id, State.VERIFIED)
        data = pathlib.Path(self.journal.path).read_bytes()
        pathlib.Path(self.journal.path).write_bytes(data[:-3])
        entries, damages = self.journal.read()
        self.assertEqual((True, 1), (entries[0].open, len(damages)))

    def test_damages(self):
        """Every line that is not understood is a damage, and says why."""
        plan = json.loads(self.line())['plan']
        for line, why in (
                (self.line(format='2'), "format '2' instead of 1 to 2"),
                (self.line(format=None), 'format'),
                (self.line(format=0), 'format 0'),
                (self.line(format=-1), 'format -1'),
                (self.line(format=True), 'format True'),
                (self.line(format=1.5), 'format 1.5'),
                (self.line(format=[2]), 'format [2]'),
                (self.line(state='exploded'), 'exploded'),
                (self.line(state=7), '7'), (self.line(state=['x']), ''),
                (self.line(state='armed', id='f00'),
                 'f00 was never planned'),
                (self.line(state='closed', id='f00'),
                 'f00 was never planned'),
                (self.line(state='armed', id='f00', user='x', reason='y',
                           damage={'number': 1, 'why': 'x', 'text': 'y'}),
                 'f00 was never planned'),
                (self.line(state='closed', id='f00', user='x',
                           damage={'number': 1, 'why': 'x', 'text': 'y'}),
                 'reason'),
                (self.line(id=['f00']), ''), (self.line(id={}), ''),
                (self.line(id=7), 'id 7'),
                (self.line(plan={'id': 'f00'}), 'no plan of a fault'),
                (self.line(plan=dict(plan, timer='soon')), 'soon'),
                (self.line(plan=dict(plan, timer=float('nan'))), 'nan'),
                (self.line(plan=dict(plan, revert='reboot')), 'no plan'),
                (self.line(plan=None), 'plan'), (self.line(plan=[]), ''),
                (self.line(at='x'), "'x'"), (self.line(at=float('nan')),
                                             'time nan'),
                (self.line(at=float('inf')), 'time inf'),
                (self.line(at=1e300), 'time 1e+300'),
                (self.line(at=-1), 'time -1'), (self.line(at=[]), ''),
                (self.line(object=None, plan=None), 'plan'),
                (self.line(object={}), 'kind'),
                (self.line(object=7), ''), (self.line(object='stack'), ''),
                (self.line(object={'kind': 'stack', 'name': '',
                                   'known': {}}), 'no object'),
                (self.line(object={'kind': '', 'name': 'x', 'known': {}}),
                 'no object'),
                (self.line(object={'kind': 'stack', 'name': ['x'],
                                   'known': {}}), 'no object'),
                (self.line(object={'kind': 7, 'name': 'x',
                                   'known': {}}), 'no object'),
                (self.line(object={'kind': 'stack', 'name': 'x',
                                   'known': 7}), ''),
                (b'[1]', ''), (b'1', ''), (b'"x"', ''), (b'', 'Expecting'),
                (b'\xff\x00', ''), (b'null', ''), (b'[' * 100000, ''),
                (b'{"format": ' + b'9' * 5000 + b'}', ''),
                (b'\x00' * 4096, ''), (b'\xef\xbb\xbf{}', '')):
            self.assertIn(why, self.damage(line), line[:200])

    def test_planned_twice(self):
        """A second plan does not hide the first one."""
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.plan(dataclasses.replace(plan, revert=()))
        (entry,), (damage,) = self.journal.read()
        self.assertEqual((plan, 'was planned before'),
                         (entry.plan, damage.why[-18:]))

    def test_states_of_another_kind(self):
        """A fault was never created."""
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.created(plan.id, id='x')
        (entry,), damages = self.journal.read()
        self.assertEqual(((State.PLANNED,), 1), (entry.states, len(damages)))

    def test_format_1(self):
        """A journal of an older version is read, and gone on with."""
        line = json.loads(self.line(format=1))
        self.append(json.dumps(line).encode() + b'\n')
        self.journal.record(line['id'], State.INJECTED)
        (entry,), damages = self.journal.read()
        self.assertEqual(((State.PLANNED, State.INJECTED), True, ()),
                         (entry.states, entry.open, damages))
        self.journal.record(line['id'], State.VERIFIED)
        self.assertEqual((), self.journal.open_entries())

    def test_unknown_fields(self):
        """Whoever adds one does not make the line unreadable."""
        plain = json.loads(self.line())
        for line in (
                dict(plain, processes=[{'pgid': 7, 'boot': 'b'}]),
                dict(plain, signature='x', host={'name': 'c1'}),
                dict(plain, plan=dict(plain['plan'], urgency=3)),
                dict(plain, format=1, colour=None)):
            self.append(json.dumps(line).encode() + b'\n')
            self.journal.record(line['id'], State.ARMED)
            (entry,), damages = self.journal.read()
            self.assertEqual(((State.PLANNED, State.ARMED), ()),
                             (entry.states, damages))
            os.unlink(self.journal.path)

    def test_newer_format(self):
        """Such a journal is refused in a clear line, and left as it is."""
        for text in (b'{"format": 3}', b'{"format": 3, "id": "x", "state": '
                     b'"planned"}', b'{"format": 99, "state": "quantum"}',
                     b'{"id": "y", "format": 10000000000000000000}'):
            self.journal.plan(self.plan())
            self.append(b'torn\n' + text + b'\n')
            before = self.lines()
            for call in (self.journal.read, self.journal.open_entries,
                         self.journal.refuse_open,
                         lambda: self.journal.close('line-x', 'why')):
                error = str(self.assertRaises(journals.JournalError, call))
                self.assertIn('line 3 of %s is of format ' % (
                    self.journal.path), error)
                self.assertIn('this version knows none but 1 to 2', error)
                self.assertIn('nothing was changed', error)
            self.assertEqual(before, self.lines())
            self.assertFalse(os.path.exists(self.journal.path + '.damaged'))
            os.unlink(self.journal.path)

    def test_unreadable(self):
        """A journal that cannot be read is not an empty one."""
        os.makedirs(self.journal.path)
        for call in (self.journal.read, self.journal.refuse_open):
            error = self.assertRaises(journals.JournalError, call)
            self.assertIn('[self_healing] state_dir', str(error))

    def test_refuse_open(self):
        first, second = self.plan(description='first'), self.plan()
        self.journal.plan(first)
        self.journal.plan(second)
        error = self.assertRaises(gates.FaultRefused,
                                  self.journal.refuse_open)
        self.assertIn('run: self-healing-tempest revert', str(error))
        self.assertIn('a fault of an earlier run', str(error))
        self.assertIn('first; file %s' % self.file, str(error))
        self.assertEqual(1, len(str(error).splitlines()))
        for plan in (first, second):
            self.journal.record(plan.id, State.VERIFIED)
        self.journal.refuse_open()

    def test_refuse_damage(self):
        self.append(b'torn')
        error = self.assertRaises(gates.FaultRefused,
                                  self.journal.refuse_open)
        self.assertIn('line 1 of %s is damaged' % self.journal.path,
                      str(error))
        self.assertIn('run: self-healing-tempest revert', str(error))

    def close_damages(self, reason='seen to'):
        """Close all damaged lines, as an operator would."""
        for damage in self.journal.read()[1]:
            self.journal.close(damage.id, reason)

    def test_close_damages(self):
        """Damaged lines move, whole ones stay, none is lost."""
        plans = [self.plan() for _ in range(2)]
        self.append(b'torn\n')
        self.journal.plan(plans[0])
        self.append(b'{"format": "?"}\n\xff\x85nonsense\xe2\x80\xa8')
        self.journal.plan(plans[1])
        self.journal.record(plans[0].id, State.VERIFIED)
        before = self.lines()
        self.close_damages('looked at all hosts')
        path = self.journal.path + '.damaged'
        aside = pathlib.Path(path).read_bytes().split(b'\n')[:-1]
        self.assertEqual([b'torn', b'{"format": "?"}',
                          b'\xff\x85nonsense\xe2\x80\xa8'], aside)
        kept = [line for line in before if line not in aside]
        self.assertEqual(kept, self.lines()[:len(kept)])
        self.assertEqual((0o600, 0o600),
                         (mode(path), mode(self.journal.path)))
        entries, damages = self.journal.read()
        self.assertEqual((plans, ()), ([entry.plan for entry in entries
                                        if entry.plan], damages))
        self.assertEqual([False, True, False, False, False],
                         [entry.open for entry in entries])
        self.assertEqual(
            ['damaged line 1', 'damaged line 2', 'damaged line 2'],
            [entry.description[:14] for entry in entries[2:]])
        for entry in entries[2:]:
            self.assertTrue(entry.closed.endswith(': looked at all hosts'))

    def test_damage_has_a_name_of_its_own(self):
        """The name stays the same, wherever the line stands."""
        self.append(b'torn\nother\n')
        first, second = self.journal.read()[1]
        self.assertNotEqual(first.id, second.id)
        self.journal.close(first.id, 'gone')
        (again,) = self.journal.read()[1]
        self.assertEqual((second.id, 1), (again.id, again.number))

    def test_same_damage_twice(self):
        """Two lines that are the same are closed by one act."""
        self.append(b'torn\ntorn\n')
        self.journal.close(self.journal.read()[1][0].id, 'gone')
        self.assertEqual((), self.journal.read()[1])

    def test_close_damages_again(self):
        """Lines that were set aside before stay there."""
        for text in (b'first\n', b'second\n'):
            self.append(text)
            self.close_damages()
        self.assertEqual(
            b'first\nsecond\n',
            pathlib.Path(self.journal.path + '.damaged').read_bytes())
        self.assertEqual(2, len(self.lines()))

    def test_close_damage_after_a_crash(self):
        """The file that an earlier try has left is no part of the journal."""
        plan = self.plan()
        self.journal.plan(plan)
        self.append(b'torn\n')
        pathlib.Path(self.journal.path + '.new').write_text('rubbish\n')
        self.close_damages()
        self.assertEqual([plan, None], [entry.plan for entry in
                                        self.journal.read()[0]])
        self.assertEqual(2, len(self.lines()))

    def test_close_damage_fails(self):
        """Then the journal is as before."""
        self.append(b'torn\n')
        os.mkdir(self.journal.path + '.damaged')
        self.assertRaises(journals.JournalError, self.close_damages)
        self.assertEqual([b'torn'], self.lines())

    def test_close(self):
        """The operator's act is kept, with the reason and the user."""
        first, second = self.plan(), self.plan()
        for plan in (first, second):
            self.journal.plan(plan)
        self.useFixture(fixtures.EnvironmentVariable('SUDO_USER', 'alice'))
        self.assertEqual(second.description,
                         self.journal.close(second.id, 'host was scrapped'))
        line = json.loads(self.lines()[-1])
        user = pwd.getpwuid(os.getuid()).pw_name
        self.assertEqual(
            ('closed', 'host was scrapped', '%s (sudo of alice)' % user,
             os.getuid()),
            (line['state'], line['reason'], line['user'], line['uid']))
        entries = self.journal.read()[0]
        self.assertEqual([True, False], [entry.open for entry in entries])
        self.assertEqual(['', '%s (sudo of alice): host was scrapped' % user],
                         [entry.closed for entry in entries])

    def test_close_damage_on_the_disk(self):
        """All of it: what is set aside, the journal, and their names."""
        self.append(b'torn\n')
        synced, real = [], os.fsync
        self.useFixture(fixtures.MonkeyPatch('os.fsync', lambda descriptor: (
            synced.append(os.path.basename(os.readlink(
                '/proc/self/fd/%d' % descriptor))), real(descriptor))))
        self.close_damages()
        self.assertEqual(['journal.jsonl.damaged', 'journal.jsonl.new',
                          'state'], synced)

    def test_started(self):
        """A process of a fault is no state of it."""
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.started(plan.id, {'group': 7})
        self.journal.started(plan.id, {'group': 8})
        (entry,), damages = self.journal.read()
        self.assertEqual(
            ((State.PLANNED,), ({'group': 7}, {'group': 8}), ()),
            (entry.states, entry.processes, damages))
        self.assertEqual(entry.processes, self.journal.processes(plan.id))
        self.assertEqual((), self.journal.processes('none'))

    def test_close_nothing(self):
        """An entry that is closed, or was never there, is not closed."""
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.record(plan.id, State.VERIFIED)
        before = self.lines()
        for entry_id in (plan.id, 'none', '', plan.id[:4], plan.id + ' '):
            error = self.assertRaises(journals.JournalError,
                                      self.journal.close, entry_id, 'why')
            self.assertIn('has no open entry', str(error))
            self.assertIn('revert --list', str(error))
        self.assertEqual(before, self.lines())


class ObjectTest(host_samples.JournalTestCase):
    """What a run creates in the cloud."""

    stack = journals.Object('o1', 'stack', 'tempest-app-1')

    def test_life(self):
        """Planned, created, known better, removed."""
        self.journal.plan_object(dataclasses.replace(
            self.stack, known={'alarm': 'HostDown'}))
        (entry,), _ = self.journal.read()
        self.assertEqual(
            ('o1', 'stack tempest-app-1', True, None,
             {'alarm': 'HostDown'}),
            (entry.id, entry.description, entry.open, entry.plan,
             entry.object.known))
        self.journal.created('o1', id='s1')
        self.journal.created('o1', host='c1', id='s2')
        (entry,), _ = self.journal.read()
        self.assertEqual(
            ({'alarm': 'HostDown', 'host': 'c1', 'id': 's2'}, True),
            (entry.object.known, entry.open))
        self.journal.record('o1', State.REMOVED)
        self.assertEqual((), self.journal.open_entries())

    def test_refuse_open(self):
        """The next run is refused, and the command is named."""
        self.journal.plan_object(self.stack)
        error = self.assertRaises(gates.FaultRefused,
                                  self.journal.refuse_open)
        self.assertIn('what an earlier run has created in the cloud may '
                      'still be there (stack tempest-app-1); run: '
                      'self-healing-tempest revert', str(error))

    def test_close(self):
        self.journal.plan_object(self.stack)
        self.assertEqual('stack tempest-app-1',
                         self.journal.close('o1', 'deleted by hand'))
        self.journal.refuse_open()

    def test_on_the_disk(self):
        """Each line is synced, with the directory."""
        self.journal.plan_object(self.stack)
        synced, real = [], os.fsync
        self.useFixture(fixtures.MonkeyPatch('os.fsync', lambda descriptor: (
            synced.append(os.path.basename(os.readlink(
                '/proc/self/fd/%d' % descriptor))), real(descriptor))))
        for call in (lambda: self.journal.plan_object(dataclasses.replace(
                self.stack, id='o2')),
                lambda: self.journal.created('o1', id='x'),
                lambda: self.journal.record('o1', State.REMOVED)):
            call()
            self.assertEqual(['journal.jsonl', 'state'], synced)
            synced.clear()


class TrustTest(host_samples.JournalTestCase):
    """Where others may write, nothing is read, written or locked."""

    def setUp(self):
        super().setUp()
        self.kept = self.plan()
        self.journal.plan(self.kept)
        with self.journal.held():
            pass
        self.lock = self.state_dir / 'lock'

    def refused(self, *words):
        """Fail unless everything is refused."""
        for call in (
                self.journal.read, self.journal.open_entries,
                self.journal.refuse_open,
                lambda: self.journal.plan(self.plan()),
                lambda: self.journal.record(self.kept.id, State.ARMED),
                lambda: self.journal.plan_object(ObjectTest.stack),
                lambda: self.journal.close(self.kept.id, 'why')):
            error = str(self.assertRaises(journals.JournalError, call))
            for word in (*words, '[self_healing] state_dir',
                         'what the journal says is run as'):
                self.assertIn(word, error)

    def lock_refused(self, *words):
        error = str(self.assertRaises(journals.JournalError,
                                      self.journal.held().__enter__))
        for word in (*words, '[self_healing] state_dir'):
            self.assertIn(word, error)

    def test_directory(self):
        self.state_dir.chmod(0o770)
        self.refused('%s can be written by others' % self.state_dir)
        self.lock_refused('%s can be written by others' % self.state_dir)

    def test_parent(self):
        self.directory.chmod(0o777)
        self.refused('%s can be written by others' % self.directory)
        self.lock_refused('%s can be written by others' % self.directory)

    def test_file(self):
        os.chmod(self.journal.path, 0o620)
        self.refused('%s can be written by others' % self.journal.path)

    def test_link(self):
        real = self.state_dir / 'real'
        os.rename(self.journal.path, real)
        os.symlink(real, self.journal.path)
        self.refused('%s is a symbolic link' % self.journal.path)

    def test_hard_link(self):
        os.link(self.journal.path, self.state_dir / 'other')
        self.refused('%s has another name' % self.journal.path)

    def test_pipe(self):
        os.unlink(self.journal.path)
        os.mkfifo(self.journal.path, 0o600)
        self.refused('%s is no regular file' % self.journal.path)

    @testtools.skipUnless(os.geteuid() == 0, 'only root gives files away')
    def test_stranger(self):
        """The example: its commands would be run as root."""
        os.chown(self.journal.path, 12345, 12345)
        self.refused('%s belongs to user 12345' % self.journal.path)

    @testtools.skipUnless(os.geteuid() == 0, 'only root gives files away')
    def test_directory_of_a_stranger(self):
        os.chown(self.state_dir, 12345, 12345)
        self.refused('%s belongs to user 12345' % self.state_dir)

    def test_lock(self):
        """Who could write it could be who holds it."""
        self.lock.chmod(0o666)
        self.lock_refused('%s can be written by others' % self.lock)

    def test_lock_is_a_link(self):
        self.lock.unlink()
        self.lock.symlink_to(self.directory / 'elsewhere')
        self.lock_refused('%s is a symbolic link' % self.lock)
        self.assertFalse((self.directory / 'elsewhere').exists())

    @testtools.skipUnless(os.geteuid() == 0, 'only root gives files away')
    def test_lock_of_a_stranger(self):
        os.chown(self.lock, 12345, 12345)
        self.lock_refused('%s belongs to user 12345' % self.lock)

    def test_set_aside_through_a_link(self):
        """Neither of the files that are written beside it is trusted."""
        target = self.directory / 'target'
        target.write_text('precious')
        for name in ('.damaged', '.new'):
            with open(self.journal.path, 'a') as stream:
                stream.write('torn%s\n' % name)
            beside = pathlib.Path(self.journal.path + name)
            beside.symlink_to(target)
            before = self.lines()
            (damage,) = self.journal.read()[1]
            if name == '.new':
                # It is ours, and is made anew.
                self.journal.close(damage.id, 'why')
                self.assertFalse(beside.exists())
            else:
                error = self.assertRaises(journals.JournalError,
                                          self.journal.close, damage.id,
                                          'why')
                self.assertIn('%s is a symbolic link' % beside, str(error))
                self.assertEqual(before, self.lines())
                beside.unlink()
                self.journal.close(damage.id, 'why')
                beside.unlink()
            self.assertEqual('precious', target.read_text())
        self.assertFalse(os.path.islink(self.journal.path))

    def test_damaged_file_of_others(self):
        with open(self.journal.path, 'a') as stream:
            stream.write('torn\n')
        beside = pathlib.Path(self.journal.path + '.damaged')
        beside.touch()
        beside.chmod(0o666)
        error = self.assertRaises(
            journals.JournalError, self.journal.close,
            self.journal.read()[1][0].id, 'why')
        self.assertIn('%s can be written by others' % beside, str(error))

    def test_mended(self):
        """The journal is as it was, and all works again."""
        self.state_dir.chmod(0o777)
        self.refused()
        self.state_dir.chmod(0o700)
        self.assertEqual([self.kept], [entry.plan for entry in
                                       self.journal.open_entries()])


class LockTest(host_samples.JournalTestCase):
    """One process at a time."""

    def hold(self):
        """Return a process that holds the lock."""
        process = subprocess.Popen(
            [sys.executable, '-c', HOLDER, str(self.state_dir)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.assertEqual('held\n', process.stdout.readline())
        return process

    def take(self):
        with self.journal.held():
            pass

    def test_other_process(self):
        process = self.hold()
        error = self.assertRaises(gates.FaultRefused, self.take)
        self.assertIn('another run holds %s' % (self.state_dir / 'lock'),
                      str(error))
        self.assertIn('[self_healing] state_dir', str(error))
        process.stdin.close()
        process.wait()
        self.take()

    def test_killed_process(self):
        """The lock goes with the process that held it."""
        process = self.hold()
        process.kill()
        process.wait()
        self.take()

    def test_released_after_an_error(self):
        def fail():
            with self.journal.held():
                raise KeyError

        self.assertRaises(KeyError, fail)
        self.hold()

    def test_other_directory(self):
        """Two clouds do not wait for each other."""
        self.hold()
        with journals.Journal(str(self.directory / 'other')).held():
            pass


class FullDiskTest(host_samples.JournalTestCase):
    """The disk of the runner is full."""

    def inject(self, limit):
        """Return what a process says that injects a fault.

        :param limit: bytes that a file may have
        """
        return subprocess.run(
            [sys.executable, '-c', FULL_DISK, str(self.directory),
             str(limit)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=60, check=False).stdout

    def test_no_room_for_the_plan(self):
        """Nothing is injected, and no part of a line is left."""
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.record(plan.id, State.VERIFIED)
        before = self.lines()
        text = self.inject(os.path.getsize(self.journal.path) + 100)
        self.assertIn('JournalError: ', text)
        self.assertIn('see [self_healing] state_dir', text)
        self.assertNotIn('injected', text)
        self.assertFalse(self.file.exists())
        self.assertEqual(before, self.lines())
        self.assertEqual((), self.journal.read()[1])

    def test_no_room_after_the_plan(self):
        """The fault is taken back, and its entry stays open."""
        self.journal.plan(self.plan())
        size = os.path.getsize(self.journal.path)
        os.unlink(self.journal.path)
        text = self.inject(size + 150)
        self.assertIn('RevertFailed: ', text)
        self.assertIn('[self_healing] state_dir', text)
        self.assertIn(lifecycle.RevertFailed.message.rsplit(': ', 1)[-1], text)
        self.assertNotIn('injected', text)
        self.assertFalse(self.file.exists())
        entries, damages = self.journal.read()
        self.assertEqual(([True], ()), ([entry.open for entry in entries],
                                        damages))

    def test_torn_by_a_signal(self):
        """An interrupted write is ended, not continued."""
        plan = self.plan()
        real = os.write
        self.patch(os, 'write', lambda file, data: real(file, data[:20]))
        error = self.assertRaises(journals.JournalError, self.journal.plan,
                                  plan)
        self.assertIn('20 of ', str(error))
        self.assertEqual([], self.lines())
