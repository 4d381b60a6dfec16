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

import json
import os
import pathlib
import stat
import subprocess
import sys

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import journal
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.tests.unit import host_samples

State = journal.State

# Takes the lock, says so, and keeps it until its input ends.
HOLDER = """
import sys
from self_healing_tempest_plugin.faults import journal
with journal.Journal(sys.argv[1]).held():
    print('held', flush=True)
    sys.stdin.read()
"""

# Injects a fault where files may have no more than so many bytes.
FULL_DISK = """
import pathlib, resource, signal, sys
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin.faults import journal, life, transports
from self_healing_tempest_plugin.tests.unit import host_samples
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
directory = pathlib.Path(sys.argv[1])
one = journal.Journal(str(directory / 'state'))
plan = host_samples.file_plan(directory / 'fault')
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with one.held(), life.injected(
            plan, one, transports.Transports(host_samples.ACCESS),
            host_samples.TIMES, timeline.Recorder()):
        print('injected')
except (journal.JournalError, life.RevertFailed) as error:
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
            (1, plan.id, 'planned', 'file %s' % self.file, os.getpid()),
            (first['format'], first['id'], first['state'],
             first['plan']['description'], first['pid']))
        for number, state in enumerate(list(State)[1:], 2):
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
                         (tuple(one.plan for one in entries), damages))

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
            [(self.journal.path, os.path.getsize(self.journal.path)),
             (str(self.state_dir), None)], synced)

    def test_directory_that_cannot_be(self):
        self.file.touch()
        one = journal.Journal(str(self.file / 'state'))
        for call in (lambda: one.plan(self.plan()), one.held().__enter__):
            error = self.assertRaises(journal.JournalError, call)
            self.assertIn(str(self.file), str(error))
            self.assertIn('[self_healing] state_dir', str(error))


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
            [one.plan.id for one in self.journal.open_entries()])

    def test_torn_line(self):
        """A line that broke off stays damage, and the next one is whole."""
        old, new = self.plan(), self.plan()
        self.journal.plan(old)
        self.append(b'{"format": 1, "id": "torn", "sta')
        self.journal.plan(new)
        entries, (damage,) = self.journal.read()
        self.assertEqual([old, new], [one.plan for one in entries])
        self.assertEqual((2, '{"format": 1, "id": "torn", "sta'),
                         (damage.number, damage.text))

    def test_torn_record(self):
        """What is torn does not close a fault."""
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.record(plan.id, State.VERIFIED)
        data = pathlib.Path(self.journal.path).read_bytes()
        pathlib.Path(self.journal.path).write_bytes(data[:-3])
        entries, damages = self.journal.read()
        self.assertEqual((True, 1), (entries[0].open, len(damages)))

    def test_damages(self):
        """Every line that is not understood is one, and says why."""
        for line, why in (
                (self.line(format=2), 'format 2 instead of 1'),
                (self.line(format=None), 'format'),
                (self.line(state='exploded'), 'exploded'),
                (self.line(state='armed', id='f00'),
                 'fault f00 was never planned'),
                (self.line(plan={'id': 'f00'}), 'no plan of a fault'),
                (self.line(plan=None), 'plan'), (self.line(at='x'), "'x'"),
                (b'[1]', ''), (b'1', ''), (b'"x"', ''), (b'', 'Expecting'),
                (b'\xff\x00', ''), (b'null', '')):
            self.assertIn(why, self.damage(line), line)

    def test_unreadable(self):
        """A journal that cannot be read is not an empty one."""
        os.makedirs(self.journal.path)
        for call in (self.journal.read, self.journal.refuse_open):
            error = self.assertRaises(journal.JournalError, call)
            self.assertIn('[self_healing] state_dir', str(error))

    def test_refuse_open(self):
        one, other = self.plan(description='first'), self.plan()
        self.journal.plan(one)
        self.journal.plan(other)
        error = self.assertRaises(gates.FaultRefused,
                                  self.journal.refuse_open)
        self.assertIn('run: self-healing-tempest revert', str(error))
        self.assertIn('first; file %s' % self.file, str(error))
        self.assertEqual(1, len(str(error).splitlines()))
        for plan in (one, other):
            self.journal.record(plan.id, State.VERIFIED)
        self.journal.refuse_open()

    def test_refuse_damage(self):
        self.append(b'torn')
        error = self.assertRaises(gates.FaultRefused,
                                  self.journal.refuse_open)
        self.assertIn('line 1 of %s is damaged' % self.journal.path,
                      str(error))
        self.assertIn('run: self-healing-tempest revert', str(error))

    def test_set_aside(self):
        """Damaged lines move, whole ones stay, none is lost."""
        plans = [self.plan() for _ in range(2)]
        self.append(b'torn\n')
        self.journal.plan(plans[0])
        self.append(b'{"format": 9}\nnonsense')
        self.journal.plan(plans[1])
        self.journal.record(plans[0].id, State.VERIFIED)
        before = self.lines()
        path = self.journal.set_aside(self.journal.read()[1])
        aside = pathlib.Path(path).read_bytes().splitlines()
        self.assertEqual([b'torn', b'{"format": 9}', b'nonsense'], aside)
        self.assertEqual([one for one in before if one not in aside],
                         self.lines())
        self.assertEqual((0o600, 0o600),
                         (mode(path), mode(self.journal.path)))
        entries, damages = self.journal.read()
        self.assertEqual((plans, ()), ([one.plan for one in entries],
                                       damages))
        self.assertEqual([False, True], [one.open for one in entries])

    def test_set_aside_again(self):
        """What was set aside before stays there."""
        for text in (b'first\n', b'second\n'):
            self.append(text)
            path = self.journal.set_aside(self.journal.read()[1])
        self.assertEqual(b'first\nsecond\n', pathlib.Path(path).read_bytes())
        self.assertEqual([], self.lines())

    def test_set_aside_after_a_crash(self):
        """What an earlier try has left is no part of the journal."""
        plan = self.plan()
        self.journal.plan(plan)
        self.append(b'torn\n')
        pathlib.Path(self.journal.path + '.new').write_text('rubbish\n')
        self.journal.set_aside(self.journal.read()[1])
        self.assertEqual([plan], [one.plan for one in
                                  self.journal.read()[0]])
        self.assertEqual(1, len(self.lines()))

    def test_set_aside_fails(self):
        """Then the journal is as before."""
        self.append(b'torn\n')
        os.mkdir(self.journal.path + '.damaged')
        self.assertRaises(journal.JournalError, self.journal.set_aside,
                          self.journal.read()[1])
        self.assertEqual([b'torn'], self.lines())


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
        """The lock goes with who held it."""
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
        with journal.Journal(str(self.directory / 'other')).held():
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
        self.assertIn(life.RevertFailed.message.rsplit(': ', 1)[-1], text)
        self.assertNotIn('injected', text)
        self.assertFalse(self.file.exists())
        entries, damages = self.journal.read()
        self.assertEqual(([True], ()), ([one.open for one in entries],
                                        damages))

    def test_torn_by_a_signal(self):
        """An interrupted write is ended, not continued."""
        plan = self.plan()
        real = os.write
        self.patch(os, 'write', lambda file, data: real(file, data[:20]))
        error = self.assertRaises(journal.JournalError, self.journal.plan,
                                  plan)
        self.assertIn('20 of ', str(error))
        self.assertEqual([], self.lines())
