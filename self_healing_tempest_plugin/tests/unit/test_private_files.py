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

"""Files that are ours alone: real files, of real other users where root can.

Who is not root cannot give files away; then it is this process that seems to
be of another user.
"""

import contextlib
import fcntl
import os
import pathlib
import stat
import subprocess
import sys

import fixtures
import testtools

from self_healing_tempest_plugin.faults import private_files

NotOurs = private_files.NotOurs
STRANGER = 12345


class PrivateTestCase(testtools.TestCase):
    """A directory of our own, with a parent of our own."""

    def setUp(self):
        super().setUp()
        self.top = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.parent = self.top / 'parent'
        self.place = self.parent / 'state'
        self.place.mkdir(0o700, parents=True)
        self.parent.chmod(0o755)
        self.file = self.place / 'journal'

    def give_away(self, path):
        """Let a file, a directory or a link belong to somebody else."""
        if os.geteuid() == 0:
            os.chown(path, STRANGER, -1, follow_symlinks=False)
            return
        real = os.stat, os.fstat
        wanted = os.lstat(path).st_ino

        def seen(status):
            if status.st_ino != wanted:
                return status
            values = list(status)
            values[stat.ST_UID] = STRANGER
            return os.stat_result(values)

        self.useFixture(fixtures.MonkeyPatch(
            'os.stat', lambda *args, **options: seen(
                real[0](*args, **options))))
        self.useFixture(fixtures.MonkeyPatch(
            'os.fstat', lambda *args: seen(real[1](*args))))

    def enter(self, path=None, create=False):
        """Open a directory, and return its names."""
        with private_files.directory(str(path or self.place),
                                     create) as directory:
            return sorted(os.listdir(directory))

    def refused(self, call, *words):
        error = self.assertRaises(NotOurs, call)
        for word in words:
            self.assertIn(word, str(error))

    def open_file(self, flags=os.O_RDONLY):
        with private_files.directory(str(self.place)) as directory:
            descriptor = private_files.opened(directory, str(self.file),
                                              flags)
        with open(descriptor, 'rb') as stream:
            return stream.read()

    def inspect(self):
        with private_files.directory(str(self.place)) as directory:
            private_files.inspected(directory, str(self.file))


class DirectoryTest(PrivateTestCase):
    """private_files.directory."""

    def test_ours(self):
        self.file.touch()
        self.assertEqual(['journal'], self.enter())

    def test_descriptors_are_closed(self):
        """Whether it is opened or refused."""
        before = os.listdir('/proc/self/fd')
        self.enter()
        self.place.chmod(0o777)
        self.assertRaises(NotOurs, self.enter)
        self.parent.chmod(0o777)
        self.assertRaises(NotOurs, self.enter)
        self.assertRaises(FileNotFoundError, self.enter, self.top / 'none')
        self.parent.chmod(0o755)
        self.place.chmod(0o700)
        self.enter(self.place / 'new' / 'deeper', True)
        link = self.top / 'link'
        link.symlink_to(self.place)
        self.enter(link)
        self.assertEqual(len(before), len(os.listdir('/proc/self/fd')))

    def test_writable(self):
        """Whoever else may write there: refused, with the sticky bit, too."""
        for mode in (0o720, 0o702, 0o722, 0o770, 0o777, 0o1777, 0o1720,
                     0o2770, 0o1702):
            self.place.chmod(mode)
            self.refused(self.enter, '%s can be written by others (mode '
                         '%04o)' % (self.place, mode))
        for mode in (0o700, 0o750, 0o755, 0o711, 0o500 if os.geteuid() == 0
                     else 0o700):
            self.place.chmod(mode)
            self.enter()

    def test_stranger(self):
        self.give_away(self.place)
        self.refused(self.enter, '%s belongs to user %d' % (
            self.place, STRANGER))

    def test_root_is_a_stranger_there(self):
        """Above it root's are well; the directory itself is not root's."""
        self.useFixture(fixtures.MonkeyPatch(
            'os.geteuid', lambda: STRANGER))
        if os.getuid() == 0:
            self.refused(self.enter, '%s belongs to user root' % self.place)
        else:
            self.refused(self.enter, 'belongs to user')

    def test_parent_of_a_stranger(self):
        """However well its mode is: its owner can change that."""
        self.give_away(self.parent)
        for mode in (0o700, 0o755, 0o1777):
            self.parent.chmod(mode)
            self.refused(self.enter, '%s belongs to user %d' % (
                self.parent, STRANGER))

    def test_parent_writable(self):
        """Another directory could be put in the place of ours."""
        for mode in (0o775, 0o757, 0o777, 0o720, 0o702, 0o2775):
            self.parent.chmod(mode)
            self.refused(self.enter, '%s can be written by others' % (
                self.parent))

    def test_grandparent_writable(self):
        """All of the way counts."""
        self.top.chmod(0o777)
        self.refused(self.enter, '%s can be written by others' % self.top)
        self.refused(lambda: self.enter(self.top / 'new' / 'x', True),
                     str(self.top))
        self.assertFalse((self.top / 'new').exists())

    def test_sticky_parent(self):
        """Nobody renames or removes there what is ours."""
        self.parent.chmod(0o1777)
        self.assertEqual([], self.enter())

    def test_stranger_in_a_sticky_parent(self):
        """But a directory that somebody was quicker to make is his."""
        self.parent.chmod(0o1777)
        self.give_away(self.place)
        self.refused(self.enter, 'belongs to user')
        self.refused(lambda: self.enter(create=True), 'belongs to user')
        self.refused(lambda: self.enter(self.place / 'deeper', True),
                     'belongs to user')

    def test_link_of_ours(self):
        """To another disk, for one."""
        link = self.top / 'link'
        for target in (str(self.parent), 'parent', './parent/../parent',
                       str(self.top) + '//parent/'):
            link.symlink_to(target)
            self.assertEqual([], self.enter(link / 'state'))
            link.unlink()
        link.symlink_to(self.place)
        self.assertEqual([], self.enter(link))

    def test_link_of_a_stranger(self):
        """In /tmp anybody can make one."""
        self.top.chmod(0o1777)
        link = self.top / 'link'
        link.symlink_to(self.place)
        self.give_away(link)
        self.refused(lambda: self.enter(link), '%s belongs to user' % link)

    def test_link_to_where_others_write(self):
        """The directories that a link leads through are looked at as well."""
        shared = self.top / 'other'
        (shared / 'state').mkdir(parents=True)
        (shared / 'state').chmod(0o700)
        shared.chmod(0o777)
        for target in (shared / 'state', '../other/state'):
            link = self.parent / 'link'
            link.symlink_to(target)
            self.refused(lambda link=link: self.enter(link), 'other can be '
                         'written by others')
            link.unlink()

    def test_endless_link(self):
        link = self.top / 'link'
        link.symlink_to(link)
        self.refused(lambda: self.enter(link), 'too many symbolic links')

    def test_links_as_many_as_may_be(self):
        last = self.place
        for number in range(40):
            link = self.top / ('link%d' % number)
            link.symlink_to(last)
            last = link
        self.assertEqual([], self.enter(last))
        link = self.top / 'one-more'
        link.symlink_to(last)
        self.refused(lambda: self.enter(link), 'too many symbolic links')

    def test_relative(self):
        self.useFixture(fixtures.MonkeyPatch('os.environ', {}))
        for path in ('state', './state', '', '~/state'):
            error = self.assertRaises(
                NotOurs, private_files.directory(path).__enter__)
            self.assertIn('no absolute path', str(error))

    def test_not_there(self):
        """Nothing is made for a process that only reads."""
        with private_files.directory(str(self.place)):
            self.assertRaises(
                FileNotFoundError, private_files.directory(
                    str(self.place / 'a')).__enter__)
        error = self.assertRaises(FileNotFoundError, self.enter,
                                  self.place / 'a' / 'b')
        self.assertEqual(str(self.place / 'a'), error.filename)
        self.assertEqual([], self.enter())

    def test_made(self):
        """A directory is made for this user alone, whatever the umask."""
        before = os.umask(0)
        try:
            self.assertEqual([], self.enter(self.place / 'a' / 'b', True))
        finally:
            os.umask(before)
        for directory in (self.place / 'a', self.place / 'a' / 'b'):
            self.assertEqual(0o700, stat.S_IMODE(directory.stat().st_mode))

    def test_made_is_synced(self):
        """The name of what is made is on the disk, too."""
        synced, real = [], os.fsync
        self.useFixture(fixtures.MonkeyPatch('os.fsync', lambda descriptor: (
            synced.append(os.readlink('/proc/self/fd/%d' % descriptor)),
            real(descriptor))))
        self.enter(self.place / 'a' / 'b', True)
        self.assertEqual([str(self.place), str(self.place / 'a')], synced)

    def test_file_on_the_way(self):
        self.file.touch()
        error = self.assertRaises(NotADirectoryError, self.enter,
                                  self.file / 'state', True)
        self.assertEqual(str(self.file), error.filename)

    def test_root_directory(self):
        """The root directory is on every way, and is looked at."""
        real = os.fstat

        def fstat(descriptor):
            status = real(descriptor)
            if status.st_ino != os.stat('/').st_ino:
                return status
            values = list(status)
            values[stat.ST_MODE] |= 0o002
            return os.stat_result(values)

        self.useFixture(fixtures.MonkeyPatch('os.fstat', fstat))
        self.refused(self.enter, '/ can be written by others')

    def test_exchanged_in_between(self):
        """What was a directory when it was looked at is a link now."""
        elsewhere = self.top / 'other'
        elsewhere.mkdir(0o700)
        link = self.parent / 'link'
        link.symlink_to(elsewhere)
        real = os.stat
        self.useFixture(fixtures.MonkeyPatch(
            'os.stat', lambda path, **options: real(
                path, **options) if path != 'link' else real(elsewhere)))
        error = self.assertRaises(OSError, self.enter, link)
        self.assertEqual(str(link), error.filename)


@testtools.skipUnless(os.geteuid() == 0, 'only root can be somebody else')
class OtherUserTest(PrivateTestCase):
    """A process that is not root's, below directories of root's."""

    def setUp(self):
        super().setUp()
        self.top.chmod(0o711)
        os.chown(self.place, STRANGER, STRANGER)

    @contextlib.contextmanager
    def other(self):
        os.seteuid(STRANGER)
        try:
            yield
        finally:
            os.seteuid(0)

    def entered(self, path=None):
        with self.other():
            return self.enter(path)

    def test_root_above(self):
        """Who may only go through a directory need not read it."""
        self.parent.chmod(0o711)
        self.assertEqual([], self.entered())

    def test_parent_of_ours(self):
        os.chown(self.parent, STRANGER, STRANGER)
        self.assertEqual([], self.entered())

    def test_links(self):
        """Links of root and of ours are followed, and of no third user."""
        link = self.top / 'link'
        link.symlink_to(self.place)
        self.assertEqual([], self.entered(link))
        os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
        self.assertEqual([], self.entered(link))
        os.chown(link, STRANGER + 1, STRANGER, follow_symlinks=False)
        self.refused(lambda: self.entered(link), '%s belongs to user' % link)

    def test_third(self):
        """Neither root nor we."""
        os.chown(self.parent, STRANGER + 1, 0)
        self.refused(self.entered, '%s belongs to user' % self.parent)

    def test_directory_of_root(self):
        os.chown(self.place, 0, 0)
        self.place.chmod(0o755)
        self.refused(self.entered, '%s belongs to user root' % self.place)

    def test_file_of_root(self):
        self.file.touch()
        self.file.chmod(0o644)
        with self.other():
            self.refused(self.open_file, '%s belongs to user root'
                         % self.file)
            self.refused(self.inspect, 'belongs to user root')
            self.file.unlink()
            self.inspect()
            self.assertEqual(b'', self.open_file())


class FileTest(PrivateTestCase):
    """private_files.opened and inspected."""

    def both(self, *words):
        """Fail unless the file is refused, however it is come to."""
        self.refused(self.open_file, *words)
        self.refused(lambda: self.open_file(
            os.O_RDWR | os.O_CREAT | os.O_APPEND), *words)
        self.refused(self.inspect, *words)

    def test_ours(self):
        for mode in (0o600, 0o644, 0o400 if os.geteuid() == 0 else 0o600):
            self.file.write_text('text')
            self.file.chmod(mode)
            self.assertEqual(b'text', self.open_file())
            self.inspect()

    def test_writable(self):
        self.file.touch()
        for mode in (0o620, 0o602, 0o666, 0o660, 0o1602):
            self.file.chmod(mode)
            self.both('%s can be written by others' % self.file)

    def test_stranger(self):
        self.file.touch()
        self.give_away(self.file)
        self.both('%s belongs to user %d' % (self.file, STRANGER))

    def test_root(self):
        """Another user's process takes none of root's."""
        self.file.touch()
        with private_files.directory(str(self.place)) as directory:
            self.useFixture(fixtures.MonkeyPatch(
                'os.geteuid', lambda: STRANGER))
            self.refused(lambda: private_files.opened(
                directory, str(self.file), os.O_RDONLY), 'belongs to user')
            self.refused(lambda: private_files.inspected(
                directory, str(self.file)), 'belongs to user')

    def test_symbolic_link(self):
        """Wherever it leads, and whosoever it is."""
        target = self.place / 'target'
        for path in (target, self.place, '/dev/null', self.file,
                     self.place / 'none'):
            target.touch()
            self.file.symlink_to(path)
            self.both('%s is a symbolic link' % self.file)
            self.file.unlink()
        self.assertFalse((self.place / 'none').exists())

    def test_hard_link(self):
        twin = self.place / 'other'
        twin.touch()
        os.link(twin, self.file)
        self.both('%s has another name' % self.file)

    def test_pipe(self):
        """Opening a pipe would wait for the process at its other end."""
        os.mkfifo(self.file)
        self.both('%s is no regular file' % self.file)

    def test_directory(self):
        self.file.mkdir()
        self.refused(self.open_file, 'is no regular file')
        self.refused(self.inspect, 'is no regular file')
        self.assertRaises(IsADirectoryError, self.open_file,
                          os.O_RDWR | os.O_CREAT)

    def test_missing(self):
        error = self.assertRaises(FileNotFoundError, self.open_file)
        self.assertEqual(str(self.file), error.filename)

    def test_made(self):
        before = os.umask(0)
        try:
            self.open_file(os.O_RDWR | os.O_CREAT)
            first = stat.S_IMODE(self.file.stat().st_mode)
            self.file.unlink()
            self.inspect()
        finally:
            os.umask(before)
        self.assertEqual((0o600, 0o600), (
            first, stat.S_IMODE(self.file.stat().st_mode)))

    def test_locks_stay(self):
        """A process that only looks at a file gives back no lock on it."""
        self.file.touch()
        self.file.chmod(0o600)
        code = ('import fcntl, sys\n'
                'stream = open(sys.argv[1], "a")\n'
                'try:\n'
                '    fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)\n'
                'except OSError:\n'
                '    sys.exit(7)\n')
        with contextlib.ExitStack() as held:
            stream = held.enter_context(open(self.file, 'a'))
            fcntl.lockf(stream, fcntl.LOCK_EX)
            self.inspect()
            done = subprocess.run([sys.executable, '-c', code,
                                   str(self.file)], check=False)
        self.assertEqual(7, done.returncode)

    def test_not_inherited(self):
        """No child gets the descriptor, and nobody's is left open."""
        self.file.touch()
        self.file.chmod(0o600)
        with private_files.directory(str(self.place)) as directory:
            before = len(os.listdir('/proc/self/fd'))
            descriptor = private_files.opened(directory, str(self.file),
                                              os.O_RDONLY)
            self.assertFalse(os.get_inheritable(descriptor))
            self.assertFalse(os.get_inheritable(directory))
            os.close(descriptor)
            self.file.chmod(0o666)
            self.assertRaises(NotOurs, private_files.opened, directory,
                              str(self.file), os.O_RDONLY)
            self.assertEqual(before, len(os.listdir('/proc/self/fd')))
