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

"""Breakages of a member's chain: settings, roles, and what works again."""

import os
import pathlib
import stat
import subprocess
import types

import fixtures
import testtools

from tools.lab import errors
from tools.sabotage import breakages
from tools.sabotage import questions
from tools.sabotage import working

BEFORE = '[DEFAULT]\ntransport_url = rabbit://lab:x@h\ncache = 0\n'
AFTER = BEFORE.replace('cache = 0', 'cache = 600')
EDIT = breakages.EditedSettings('aodh/aodh.conf', ('listener', 'notifier'), (
    (r'^(cache) = 0$', r'\1 = 600'),))


class Killed(BaseException):
    """Ends the process, nearly."""


class FakeLab:
    """A directory, and programs that read their file when they start.

    :ivar done: actions with programs, and what the file says then
    :ivar dies: the action at which the process is killed, or None
    """

    def __init__(self, directory):
        self.etc, self.state = directory / 'etc', directory / 'state'
        self.state.mkdir()
        self.file = self.etc / 'aodh' / 'aodh.conf'
        self.file.parent.mkdir(parents=True)
        self.file.write_text(BEFORE)
        self.done, self.dies = [], None

    def control(self, action, program, host='controller'):
        if self.dies == action:
            raise Killed()
        self.done.append((action, program, self.file.read_text()))

    @property
    def kept(self):
        """Return the files that tell what was there before."""
        return [path for path in self.state.iterdir()
                if path.name.startswith('sabotaged')]


class EditedSettingsTest(testtools.TestCase):
    """breakages.EditedSettings."""

    def setUp(self):
        super().setUp()
        self.lab = FakeLab(pathlib.Path(
            self.useFixture(fixtures.TempDir()).path))
        self.notes = breakages.Notes(self.lab)
        self.useFixture(fixtures.MockPatchObject(
            working, 'wait', lambda lab, program: self.lab.done.append(
                ('wait', program))))

    def killed(self):
        """Break it in a process that is killed; what it has noted is left."""
        self.notes._change(lambda notes: notes.append([
            'EditedSettings', vars(EDIT)]))
        self.assertRaises(Killed, EDIT.do, self.lab)

    def assert_undone(self):
        """Fail unless another process leaves all as it was."""
        self.assertEqual([], breakages.Notes(self.lab).undo_all())
        self.assertEqual(BEFORE, self.lab.file.read_text())
        self.assertEqual([], self.lab.kept)
        self.assertEqual([], self.notes.left())

    def test_order(self):
        """Each program starts with the new file, and is then waited for."""
        with self.notes.broken(EDIT):
            self.assertEqual(
                [('restart', 'listener', AFTER),
                 ('restart', 'notifier', AFTER),
                 ('wait', 'listener'), ('wait', 'notifier')], self.lab.done)
            self.lab.done.clear()
        self.assertEqual(
            [('restart', 'listener', BEFORE), ('restart', 'notifier', BEFORE),
             ('wait', 'listener'), ('wait', 'notifier')], self.lab.done)
        self.assertEqual([], self.lab.kept)

    def test_kept(self):
        """It holds passwords, so that nobody else may read it."""
        self.addCleanup(os.umask, os.umask(0))
        mode = self.lab.file.stat().st_mode
        with self.notes.broken(EDIT):
            kept, = self.lab.kept
            self.assertEqual(0o600, stat.S_IMODE(kept.stat().st_mode))
            self.assertEqual(BEFORE, kept.read_text())
            self.assertEqual(mode, self.lab.file.stat().st_mode)
        self.assertEqual(mode, self.lab.file.stat().st_mode)

    def test_killed_while_it_keeps(self):
        """A file that is half written is never put back."""
        write = pathlib.Path.write_text

        def half(path, text):
            if path.parent == self.lab.state:
                write(path, text[:9])
                raise Killed()
            return write(path, text)

        with fixtures.MockPatchObject(pathlib.Path, 'write_text', half):
            self.killed()
        self.assertEqual([], breakages.Notes(self.lab).undo_all())
        self.assertEqual(BEFORE, self.lab.file.read_text())
        # What is left of it does not hinder the next.
        with self.notes.broken(EDIT):
            self.assertEqual(AFTER, self.lab.file.read_text())
        self.assertEqual(BEFORE, self.lab.file.read_text())
        self.assertEqual([], self.lab.kept)

    def test_killed_before_the_start(self):
        """The file is edited, and nobody has read it."""
        self.lab.dies = 'restart'
        self.killed()
        self.assertEqual(AFTER, self.lab.file.read_text())
        self.lab.dies = None
        self.assert_undone()
        self.assertIn(('restart', 'notifier', BEFORE), self.lab.done)

    def test_killed_while_it_is_undone(self):
        """Who undoes it once more starts the programs, too."""
        self.notes._change(lambda notes: notes.append([
            'EditedSettings', vars(EDIT)]))
        EDIT.do(self.lab)
        self.lab.dies = 'restart'
        self.assertRaises(Killed, EDIT.undo, self.lab)
        self.lab.dies = None
        self.lab.done.clear()
        self.assert_undone()
        self.assertIn(('restart', 'listener', BEFORE), self.lab.done)

    def test_undone_twice(self):
        """The second time nothing is to be done, whatever is there then."""
        EDIT.do(self.lab)
        EDIT.undo(self.lab)
        self.lab.file.write_text('of somebody else')
        self.lab.done.clear()
        EDIT.undo(self.lab)
        self.assertEqual('of somebody else', self.lab.file.read_text())
        self.assertEqual([], self.lab.done)

    def test_edit_that_finds_nothing(self):
        edit = breakages.EditedSettings(EDIT.path, ('listener',),
                                        (('no such line', ''),))
        error = self.assertRaises(errors.LabError, edit.do, self.lab)
        self.assertIn('aodh.conf has no no such line', str(error))
        self.assertEqual(([], []), (self.lab.done, self.lab.kept))


class MeddledBmcTest(testtools.TestCase):
    """breakages.MeddledBmc: another script, and back."""

    def setUp(self):
        super().setUp()
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.bmc = directory / 'bmc' / 'compute-1'
        self.bmc.mkdir(parents=True)
        self.lab = types.SimpleNamespace(directory=directory)
        self.breakage = breakages.MeddledBmc('compute-1', 'third-try')
        self.chassis = self.bmc / 'chassis'
        self.chassis.write_text('#!/bin/sh\necho "$*"\n')
        self.chassis.chmod(0o755)

    def run_chassis(self):
        done = subprocess.run(
            ['./chassis', '0x20', 'get', 'power'], cwd=self.bmc, text=True,
            capture_output=True, check=False)
        return done.returncode, done.stdout

    def test_done_and_undone(self):
        """Every third time it is the one of before that answers."""
        for _ in range(2):
            # Twice, as after a run that was killed.
            self.breakage.do(self.lab)
        answers = [self.run_chassis() for _ in range(6)]
        good = (0, '0x20 get power\n')
        self.assertEqual([(1, ''), (1, ''), good] * 2, answers)
        for _ in range(2):
            self.breakage.undo(self.lab)
        self.assertEqual(good, self.run_chassis())
        self.assertEqual(['chassis'], [
            path.name for path in self.bmc.iterdir()])

    def test_never_done(self):
        self.breakage.undo(self.lab)
        self.assertEqual(0, self.run_chassis()[0])

    def test_lies(self):
        """What it was told is what it says; nothing else happens."""
        breakages.MeddledBmc('compute-1', 'lies').do(self.lab)
        self.assertEqual((0, '0x20 get power\n'), self.run_chassis())
        subprocess.run(['./chassis', '0x20', 'set', 'power', '0'],
                       cwd=self.bmc, check=True)
        self.assertEqual((0, 'power:0\n'), self.run_chassis())


class FakePair:
    """Two Alertmanagers, each of which reads its file when it is told.

    :ivar posted: program and path of each request
    """

    def __init__(self):
        self.read = {'alertmanager': 1, 'alertmanager-2': 1}
        self.posted = []

    def programs(self, kind):
        return sorted(name for name in self.read if name.startswith(kind))

    def reloaded(self, program):
        return self.read[program]

    def alerts(self):
        return {}

    def ask(self, program, path, body):
        self.posted.append((program, path, body[0]['labels']['alertname']))


class PairTest(testtools.TestCase):
    """Of two Alertmanagers, none is left as it was."""

    def setUp(self):
        super().setUp()
        self.lab = FakeLab(pathlib.Path(
            self.useFixture(fixtures.TempDir()).path))
        self.lab.monitor = FakePair()
        self.useFixture(fixtures.MockPatchObject(
            self.lab, 'control', self.signal))

    def signal(self, action, program):
        self.assertEqual('signal HUP', action)
        self.lab.monitor.read[program] += 1

    def test_edited(self):
        """Both tell Vitrage: one that is right would hide the other one."""
        edit = breakages.EditedFile(EDIT.path, 'alertmanager', EDIT.edits)
        for times, act in ((2, edit.do), (3, edit.undo)):
            act(self.lab)
            self.assertEqual(
                {'alertmanager': times, 'alertmanager-2': times},
                self.lab.monitor.read)

    def test_raised(self):
        """Each knows the alerts that it is told itself."""
        self.useFixture(fixtures.MockPatchObject(
            questions, 'alarms', lambda lab, name: [name]))
        breakages.RaisedAlert('HostDown', 'compute-1').do(self.lab)
        self.assertEqual(
            [(name, '/api/v2/alerts', 'HostDown')
             for name in ('alertmanager', 'alertmanager-2')],
            self.lab.monitor.posted)


class FakeKeystone:
    """The roles of users in projects.

    :ivar projects: their ids
    :ivar granted: triples of project, user and role
    """

    ROLES = {'member': 'r-member', 'reader': 'r-reader'}

    def __init__(self):
        self.projects = ['p', 'other']
        self.granted = {('p', 'u', 'r-member')}

    def ask(self, service, path, method='GET', **options):
        if path == '/projects':
            return {'projects': [{'id': name} for name in self.projects]}
        if path.startswith('/roles?name='):
            name = path.removeprefix('/roles?name=')
            return {'roles': [{'id': self.ROLES[name], 'name': name}]}
        _, _, project, _, user, _, role = path.split('/')
        grant = (project, user, role)
        if project not in self.projects or (
                method == 'DELETE' and grant not in self.granted):
            raise errors.LabError('HTTP 404')
        {'PUT': self.granted.add, 'DELETE': self.granted.remove}[method](grant)
        return None


class LostRoleTest(testtools.TestCase):
    """breakages.LostRole."""

    def setUp(self):
        super().setUp()
        self.keystone = FakeKeystone()
        self.lab = types.SimpleNamespace(cloud=self.keystone)
        self.lost = breakages.LostRole('p', 'u', 'member', 'reader')
        self.before = set(self.keystone.granted)

    def test_lost(self):
        """The user keeps a role, and so can still get a token."""
        self.lost.do(self.lab)
        self.assertEqual({('p', 'u', 'r-reader')}, self.keystone.granted)
        self.lost.undo(self.lab)
        self.assertEqual(self.before, self.keystone.granted)

    def test_undone_twice(self):
        """And where nothing was done."""
        for _ in range(2):
            self.lost.undo(self.lab)
            self.assertEqual(self.before, self.keystone.granted)

    def test_killed_between(self):
        """Then the user has both."""
        self.keystone.granted.add(('p', 'u', 'r-reader'))
        self.lost.undo(self.lab)
        self.assertEqual(self.before, self.keystone.granted)

    def test_project_that_is_gone(self):
        """With it went the role; there is nothing to give back."""
        self.lost.do(self.lab)
        self.keystone.projects.remove('p')
        self.keystone.granted.clear()
        self.lost.undo(self.lab)
        self.assertEqual(set(), self.keystone.granted)


class WorkingTest(testtools.TestCase):
    """working.wait(): a program works again when that can be seen."""

    def waited(self, program, lab):
        """Return whether a program is taken for working at once."""
        seen = []
        self.useFixture(fixtures.MockPatchObject(
            working.labs, 'wait', lambda observe, what: seen.append(
                (what, bool(observe())))))
        working.wait(lab, program)
        return seen

    def lab(self, listed=(), answer=None):
        """Return a lab with queues, and with a cloud that answers so."""
        def run(host, *command):
            self.command = command
            return '\n'.join('%s\t%s' % pair for pair in listed)

        def ask(service, path, **options):
            self.asked = service, path, options
            if answer is None:
                raise errors.LabError('HTTP 503')
            return answer

        return types.SimpleNamespace(
            run=run, cloud=types.SimpleNamespace(ask=ask))

    def test_readers(self):
        """Of the queue of that name alone, as RabbitMQ lists them."""
        lab = self.lab((('alarm.all.sample.x', 3), ('alarm.all.sample', 2),
                        ('x.alarm.all.sample', 5)))
        self.assertEqual(2, questions.readers(lab, 'alarm.all.sample'))
        self.assertEqual(0, questions.readers(lab, 'alarming.sample'))
        self.assertEqual(('name', 'consumers'), self.command[-2:])

    def test_by_its_queue(self):
        for program, queue in (
                ('ceilometer-agent-notification', 'notifications.info'),
                ('aodh-listener', 'alarm.all.sample'),
                ('aodh-notifier', 'alarming.sample')):
            for count in (0, 1):
                self.assertEqual(
                    [('%s works' % program, bool(count))],
                    self.waited(program, self.lab(((queue, count),))))

    def test_by_its_api(self):
        """An answer that lists nothing is one; an error is none."""
        for program, key in (('zaqar', 'queues'), ('nova-api', 'servers'),
                             ('mistral', 'workflows'),
                             ('heat-engine', 'stacks')):
            for answer, good in (({key: []}, True), ({}, False),
                                 (None, False)):
                self.assertEqual(
                    [('%s works' % program, good)],
                    self.waited(program, self.lab(answer=answer)))
        self.assertEqual('orchestration', self.asked[0])

    def test_client(self):
        """Zaqar refuses who does not say who he is."""
        self.waited('zaqar', self.lab(answer={'queues': []}))
        self.assertTrue(self.asked[2]['headers']['Client-ID'])

    def test_others(self):
        """Nothing shows of them."""
        self.assertEqual([], self.waited('prometheus', self.lab()))
