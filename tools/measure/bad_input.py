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

"""Runs a scenario on the lab with settings that are wrong in one way each.

Each time it must fail with a line that says what is wrong, inject nothing,
and leave the lab as it was. Needs the lab, and nothing else on it.
"""

import argparse
import contextlib
import dataclasses
import pathlib
import re
import subprocess
import tempfile
import time

from tools.lab.fingerprint import taking
from tools.lab import labs
from tools import tables

SCENARIOS = 'self_healing_tempest_plugin.tests.scenario.'
DATA_NIC = SCENARIOS + 'test_data_nic.DataNicDownTest'
CRASH = SCENARIOS + 'test_host_power.HostCrashTest'
DELETED = SCENARIOS + 'test_tenant.ServerDeletedTest'

#: Accounts of which none is a member's.
READER = ('- {username: nobody, password: none, project_name: none, '
          'roles: [reader]}\n')

#: Seconds that a run, and the lab after it, may take.
RUN, SETTLE = 400, 60


@dataclasses.dataclass(frozen=True)
class Case:
    """One case of bad input.

    :ivar options: of [self_healing], other than they should be; "@" is a
        directory of its own, "@flavor" the value of flavor_ref
    :ivar auth: the same of [auth]
    :ivar says: what the run must say
    :ivar prepare: name of what makes that directory fit, or None
    """

    name: str
    options: dict
    says: str
    test: str = DATA_NIC
    prepare: str | None = None
    auth: dict = dataclasses.field(default_factory=dict)


CASES = (
    Case('no host may be hurt', {'fault_hosts': ''}, 'fault_hosts is empty'),
    Case('unknown host', {'fault_hosts': 'compute-1,compute-99'},
         'Nova knows no address of host compute-99'),
    Case('wrong key', {'host_ssh_key_file': '@/key'}, 'it refuses the key',
         prepare='make_key'),
    Case('unknown host key', {'host_ssh_known_hosts_file': '@/none'},
         'its host key is not in [self_healing] host_ssh_known_hosts_file',
         prepare='make_empty'),
    Case('unreachable jump host', {'host_ssh_jump_host': '@unreachable',
                                   'host_ssh_timeout': '2'},
         'host_ssh_jump_host'),
    Case('wrong device name', {'host_data_nic': 'eth99'},
         'eth99'),
    Case('sudo does not do it', {'host_ssh_sudo': 'true'},
         'see [self_healing] host_ssh_sudo'),
    Case('wrong power command',
         {'host_power_driver': 'command',
          'host_power_status_command': 'echo {host} is confused'},
         'not so: host compute-1 has power', test=CRASH),
    Case('disk full for the journal', {'state_dir': '@/full'},
         'No space left on device', prepare='make_full'),
    Case('damaged line in the journal', {'state_dir': '@/state'},
         'line 1 of @/state/journal.jsonl is damaged',
         prepare='make_damaged'),
    Case('two runs at once', {'state_dir': '@/state'},
         'another run holds @/state/lock', prepare='make_held'),
    Case('no member', {}, 'neither of them is set', test=DELETED,
         auth={'use_dynamic_credentials': 'false'}),
    Case('no accounts of members', {},
         '[auth] test_accounts_file @/accounts.yaml', test=DELETED,
         prepare='make_accounts', auth={
             'use_dynamic_credentials': 'false',
             'test_accounts_file': '@/accounts.yaml'}),
    Case('administrator as the member', {}, 'that is an administrator',
         test=DELETED, auth={'tempest_roles': 'admin'}),
    Case('Aodh not in the catalog', {'aodh_catalog_type': 'none'},
         'look at [self_healing] aodh_catalog_type', test=DELETED),
    Case('Zaqar not in the catalog', {'zaqar_catalog_type': 'none'},
         'look at [self_healing] zaqar_catalog_type', test=DELETED),
    Case('unknown flavor of the member', {'member_flavor_ref': 'none'},
         'the member sees no none', test=DELETED),
    Case('flavor without a disk', {'member_flavor_ref': '@flavor'},
         'has no disk', test=DELETED),
    Case('unknown image', {'image_ref': 'none'}, 'the member sees no none',
         test=DELETED),
    Case('unknown network', {'external_network': 'none'},
         'look at the policy of Heat', test=DELETED),
)


class Preparation:
    """Makes a directory such that a setting in it is wrong."""

    def __init__(self, directory, python, clean):
        self._directory, self._python = directory, python
        self._clean = clean

    def make_key(self):
        """Make a key that no host knows."""
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f',
                        self._directory / 'key'], check=True)

    def make_empty(self):
        """Make an empty list of host keys."""
        (self._directory / 'none').touch()

    def make_full(self):
        """Mount a file system without any room left."""
        full = self._directory / 'full'
        full.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4k,mode=0700',
                        'full', full], check=True)
        self._clean.callback(subprocess.run, ['umount', full], check=True)
        (full / 'ballast').write_bytes(bytes(4096))

    def make_damaged(self):
        """Write a line that is no entry of a journal."""
        state = self._directory / 'state'
        state.mkdir(mode=0o700)
        (state / 'journal.jsonl').write_text('{"format": 1, "id": "2f3a\n')

    def make_accounts(self):
        """Write accounts of which none is a member's."""
        (self._directory / 'accounts.yaml').write_text(READER)

    def make_held(self):
        """Let another process hold the lock, as a run does."""
        process = subprocess.Popen(
            [self._python, '-c', 'import sys\n'
             'from self_healing_tempest_plugin.faults import journals\n'
             'with journals.Journal(sys.argv[1]).held():\n'
             '    print("held", flush=True)\n'
             '    sys.stdin.read()', self._directory / 'state'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._clean.callback(process.communicate)
        process.stdout.readline()


def run(lab, case):
    """Run one case.

    :param lab: :class:`tools.lab.labs.Lab`
    :returns: the line that says what is wrong, seconds, list of problems
    """
    before = taking.take(lab)
    with contextlib.ExitStack() as clean:
        directory = pathlib.Path(clean.enter_context(
            tempfile.TemporaryDirectory()))
        python = lab.workspace.program('python')
        if case.prepare:
            getattr(Preparation(directory, python, clean), case.prepare)()
        environment = configure(lab.workspace, directory, case)
        begin = time.monotonic()
        done = lab.workspace.run(
            [python, '-m', 'testtools.run', case.test], RUN, environment)
        seconds = time.monotonic() - begin
        says = case.says.replace('@', str(directory))
        # The last one: a traceback shows the source of what it says.
        line = next((text for text in reversed(done.stdout.splitlines())
                     if says in text), '')
        problems = list(judge(done, line, case))
        line = re.sub(r'^[\w.]+: ', '', line.replace(
            str(directory), '/DIRECTORY').replace(
                str(lab.directory), '.lab'))
    return line, seconds, problems + taking.settle(
        lab, before, SETTLE)[1]


def configure(workspace, directory, case):
    """Write a tempest.conf that is wrong.

    :returns: the environment of who shall use it
    """
    ours = workspace.settings()
    # Nobody is there, in the network of the hosts.
    unreachable = '.'.join(ours['self_healing'][
        'control_plane_addresses'].split('.')[:3] + ['254'])

    def filled(options):
        return {option: value.replace('@unreachable', unreachable).replace(
            '@flavor', ours['compute']['flavor_ref']).replace(
                '@', str(directory)) for option, value in options.items()}

    return workspace.configure(directory, filled(case.options),
                               auth=filled(case.auth))


def judge(done, line, case):
    """Yield the problems of how a run went."""
    if not done.returncode:
        yield 'it passed'
    if not line:
        yield 'nothing says "%s": %s' % (case.says, done.stdout[-800:])
    if re.search(r'^fault .* injected', done.stdout, re.MULTILINE):
        yield 'something was injected'


def main(arguments=None):
    """Go through all cases.

    :returns: exit code, 0 when all is right
    """
    parser = argparse.ArgumentParser(
        prog='tools/measure bad_input', description=__doc__)
    parser.add_argument('file', type=pathlib.Path,
                        help='where the table is written, as CSV')
    labs.add_option(parser)
    options = parser.parse_args(arguments)
    wrong, rows = 0, []
    for case in CASES:
        line, seconds, problems = run(options.lab, case)
        wrong += bool(problems)
        rows.append((case.name, line, '%.0f s' % seconds))
        print('%s: %s' % (case.name, line))
        print('   ', '; '.join(problems)
              or 'nothing injected, nothing changed', flush=True)
    tables.write(options.file, ('Wrong', 'What the run says', 'After'), rows)
    print('%d cases, %d wrong' % (len(CASES), wrong))
    return int(bool(wrong))
