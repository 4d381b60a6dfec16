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

"""What must be so before anything is started, and what must be gone after."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import subprocess

import psutil

from tools.zuul import places as where

#: Program to the Debian package that brings it.
_PROGRAMS = {'bwrap': 'bubblewrap', 'git': 'git',
             'java': 'default-jre-headless', 'rsync': 'rsync',
             'setpriv': 'util-linux', 'ssh-keygen': 'openssh-client',
             'sshd': 'openssh-server'}
_FILES = {'/usr/share/java/zookeeper.jar': 'zookeeper'}
#: Seconds until Zuul's console must have ended.
_CONSOLE = 10
_SSHD = pathlib.Path('/run/sshd')
#: A file that is as old as the run.
_BEGAN = 'began'
_MARK = 'Made by tox -e zuul-run, which may remove it.\n'


class Refused(Exception):
    """Zuul cannot run here: one line says why, and what to do."""


def check(places):
    """Say no before anything is changed, where it cannot work.

    :raises Refused: with all that is in the way
    """
    problems = [*_packages(), *_directory(places)]
    if os.geteuid():
        problems.insert(0, 'it must be run as root: so does the job that '
                           'builds the lab on the node')
    if problems:
        raise Refused('; '.join(problems))


def _packages():
    missing = [package for program, package in _PROGRAMS.items()
               if shutil.which(program) is None]
    missing += [package for path, package in _FILES.items()
                if not pathlib.Path(path).exists()]
    if missing:
        yield ('packages are missing: apt-get install --no-install-recommends '
               '%s' % ' '.join(missing))


def _directory(places):
    if places.too_long():
        yield '%s is too long a path for sockets: choose another --dir' % (
            places.root)
    elif places.root.exists() and any(
            places.root.iterdir()) and not places.mark.exists():
        yield '%s is not ours: choose another --dir' % places.root


def check_ports(ports):
    """Say no where somebody else has a port that we need.

    :param ports: :class:`.places.Ports`
    :raises Refused: with all of them
    """
    problems = list(_taken(ports))
    if problems:
        raise Refused('; '.join(problems))


def _taken(ports):
    for port, name in ports.named().items():
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((where.ADDRESS, port))
            except OSError:
                yield ('port %d of %s, for %s, is in use: stop what listens '
                       'there, or choose other ports by --first-port' % (
                           port, where.ADDRESS, name))


def listens(port):
    """Return whether somebody listens at a port."""
    with socket.socket() as client:
        return client.connect_ex((where.ADDRESS, port)) == 0


@contextlib.contextmanager
def held(places):
    """Have the directory for oneself.

    The files of a killed run are taken back; the rest of it has died with it.

    :raises Refused: when another run has it
    """
    places.root.mkdir(parents=True, exist_ok=True)
    with places.mark.open('a') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused('another run is going on in %s' % places.root
                          ) from None
        if not places.mark.read_text():
            lock.write(_MARK)
            lock.flush()
        if places.run.exists():
            end_console(places)
            shutil.rmtree(places.run)
        yield


@contextlib.contextmanager
def fresh(places):
    """Have the directories of a run, and nothing of it afterwards."""
    shutil.rmtree(places.result, ignore_errors=True)
    for path in (places.run, places.log, places.builds, places.node):
        path.mkdir(parents=True)
    # Keys are in there.
    places.run.chmod(0o700)
    (places.run / _BEGAN).touch()
    try:
        yield
    finally:
        end_console(places)
        shutil.rmtree(places.run, ignore_errors=True)


@contextlib.contextmanager
def sshd_directory():
    """Have the empty directory that Debian's sshd wants."""
    ours = not _SSHD.exists()
    _SSHD.mkdir(mode=0o755, exist_ok=True)
    try:
        yield
    finally:
        if ours:
            with contextlib.suppress(OSError):
                _SSHD.rmdir()


def end_console(places):
    """End Zuul's console on the node, which only a finished build ends.

    Nobody listened at its port when the run began: a process that does and is
    younger than the run belongs to it.
    """
    try:
        began = (places.run / _BEGAN).stat().st_mtime
    except FileNotFoundError:
        return
    for connection in psutil.net_connections('tcp'):
        if (connection.status == psutil.CONN_LISTEN and connection.pid
                and connection.laddr.port == where.CONSOLE_PORT):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(connection.pid)
                if process.create_time() > began:
                    process.terminate()
                    process.wait(_CONSOLE)


def install_ansible(places, say):
    """Install what zuul-executor runs, unless it is there.

    :param say: prints a line
    :raises Refused: when that fails
    """
    done = places.ansible / 'complete'
    if done.exists():
        return
    say('installing the two Ansibles of zuul-executor, once; it takes 1.5 GB')
    places.ansible.mkdir(parents=True, exist_ok=True)
    log = places.log / 'manage-ansible.log'
    with log.open('w') as output:
        code = subprocess.run(
            [places.program('zuul-manage-ansible'), '-u', '-r',
             places.ansible], stdout=output, stderr=subprocess.STDOUT,
            check=False).returncode
    if code:
        raise Refused('zuul-manage-ansible failed, see %s' % log)
    done.touch()
