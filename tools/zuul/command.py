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

"""A real Zuul on this machine: what it says of our jobs, and how it runs one.

Scheduler, web, executor, launcher and merger of Zuul, Debian's ZooKeeper and
bubblewrap, a git repository for each project that our jobs know, and this
machine as the static node. Zuul reads what HEAD of this checkout holds.
"""

import argparse
import contextlib
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import prettytable
import yaml

from self_healing_tempest_plugin.tests.zuul import broken
from tools.lab import labs
from tools import waiting
from tools.zuul import api as apis
from tools.zuul import certificates
from tools.zuul import freezing
from tools.zuul import ground
from tools.zuul import local_conf
from tools.zuul import places as where
from tools.zuul import processes as programs
from tools.zuul import repositories
from tools.zuul import running
from tools.zuul import settings
from tools.zuul import validation

STEPS = ('validate', 'freeze', 'local-conf', 'run')
#: The job that builds no lab.
SMOKE = 'self-healing-tempest-smoke-fixture'
#: Where a job builds the lab.
LAB = labs.Lab('/opt/lab')
#: Seconds until ZooKeeper must listen.
_ZOOKEEPER = 60

#: What people and machines end it by.
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

ERRORS = (apis.ApiError, ground.Refused, programs.ProcessError,
          running.RunError, waiting.TimeUp, subprocess.TimeoutExpired)


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tox -e zuul-run --', description='A real Zuul on this machine: '
        'what it says of our jobs, and how it runs one.')
    parser.add_argument(
        'steps', nargs='*', metavar='STEP',
        help='validate: Zuul takes our configuration, and none that is '
             'broken; freeze: our jobs are what they must be; local-conf: so '
             "is DevStack's local.conf of their nodes; run: the timer of the "
             'periodic pipeline starts a job on this machine; clean: remove '
             'all that other steps have kept. Without a step: all but clean.')
    parser.add_argument(
        '--dir', type=pathlib.Path, metavar='DIRECTORY',
        default=where.ROOT / '.zuul',
        help='where everything is kept (default: %(default)s)')
    parser.add_argument(
        '--job', default=broken.LAB, metavar='NAME',
        help='the job to run (default: %(default)s); '
             'self-healing-tempest-smoke-fixture takes a minute, '
             'self-healing-tempest-crash-fixture about ten')
    parser.add_argument(
        '--timeout', type=int, default=2700, metavar='SECONDS',
        help='that the job may take (default: %(default)s)')
    parser.add_argument(
        '--devstack', type=pathlib.Path, metavar='DIRECTORY',
        help='a checkout of devstack, whose own module then renders '
             'local.conf')
    parser.add_argument(
        '--first-port', type=int, default=22810, metavar='PORT',
        help='the first of five consecutive ports on the loopback device '
             '(default: %(default)s)')
    parser.add_argument(
        '--hold', action='store_true',
        help='leave Zuul running after the last step, until Ctrl-C')
    options = parser.parse_args(arguments)
    unknown = set(options.steps) - {*STEPS, 'clean'}
    if unknown or ('clean' in options.steps and len(options.steps) > 1):
        parser.error('STEP is one or more of %s, or clean alone'
                     % ', '.join(STEPS))
    options.steps = options.steps or list(STEPS)
    options.dir = options.dir.absolute()
    return options


class Run:
    """One run, with its Zuul.

    :ivar options: parsed command line
    """

    def __init__(self, options):
        self.options = options
        self.places = where.Places(options.dir)
        self.ports = where.Ports(options.first_port)
        self.api = apis.Api(self.ports)
        self.processes = programs.Processes(self.places, self.ports)
        self.ours = repositories.Repository(self.places.git, where.PROJECT)
        self.around = {}
        self._began = time.monotonic()
        self._loaded = False

    def say(self, line):
        """Print a line with the seconds since the beginning."""
        print('%6.1f s  %s' % (time.monotonic() - self._began, line),
              flush=True)

    def __call__(self):
        """Do all steps.

        :returns: exit code
        """
        ground.check(self.places)
        with contextlib.ExitStack() as stack:
            stack.enter_context(ground.held(self.places))
            ground.check_ports(self.ports)
            if 'run' in self.options.steps and self.options.job != SMOKE:
                refuse_other_lab()
                stack.callback(destroy_lab)
            stack.enter_context(ground.fresh(self.places))
            ground.install_ansible(self.places, self.say)
            self.prepare()
            stack.enter_context(ground.sshd_directory())
            stack.enter_context(self.processes.supervised())
            stack.callback(self.say, 'stopping everything')
            return self.do()

    def do(self):
        """Do all steps, where supervisor runs.

        :returns: exit code
        """
        self.processes.start('zookeeper')
        waiting.until(lambda: ground.listens(self.ports.zookeeper),
                      'ZooKeeper to listen', _ZOOKEEPER)
        self.processes.start('merger')
        good = [getattr(self, name.replace('-', '_'))()
                for name in STEPS if name in self.options.steps]
        if self.options.hold:
            self.hold()
        return int(not all(good))

    def prepare(self):
        """Write repositories, certificates, keys and settings."""
        if repositories.uncommitted(where.ROOT):
            self.say('what is not committed in this checkout is left out')
        run = self.places.run
        certificates.make_ssh_key(run / 'id_ed25519')
        host_key = certificates.make_ssh_key(run / 'host_key')
        settings.write(self.places, self.ports, certificates.make(run / 'ca'))
        self.around = repositories.make_tenant(self.places.git)
        self.ours.clone(where.ROOT)
        self.around['openstack/project-config'].commit(
            'The static node', {'zuul.d/static.yaml': yaml.safe_dump(
                settings.static_node(self.ports, host_key))})
        self.say('%d repositories are there' % (len(self.around) + 1))

    def validate(self):
        """Let Zuul read our configuration, and broken ones."""
        settings.write_tenants(
            self.places, validation.publish_variants(self.places.git))
        outcomes = [validation.ours(self.places)]
        self.say('Zuul %s our configuration' % (
            'takes' if outcomes[0].good else 'refuses'))
        outcomes += validation.refused_by_zuul(self.places)
        outcomes += validation.refused_by_our_checks()
        settings.write_tenants(self.places)
        table(('configuration', 'refused by', 'reason', 'ok'), (
            (outcome.name, outcome.by, outcome.reason or '',
             'yes' if outcome.good else 'NO')
            for outcome in outcomes))
        good = all(outcome.good for outcome in outcomes)
        self.say('validate: %s' % ('all as it must be' if good else 'WRONG'))
        return good

    def load(self):
        """Have a scheduler that has loaded the tenant without an error."""
        if not self._loaded:
            self.processes.start('scheduler', 'web')
            errors = self.api.wait(self.processes)
            if errors:
                raise running.RunError('Zuul finds errors: %s' % errors)
            self.say('Zuul has loaded its tenant')
            self._loaded = True

    def frozen(self, name, pipeline):
        """Return a job as it would run."""
        self.load()
        return self.api.frozen(pipeline, name)

    def freeze(self):
        """Compare our jobs with what they must be."""
        return self._compare('freeze', ('job', 'difference'), [
            ((expected.name,), freezing.differences(
                self.frozen(expected.name, expected.pipeline), expected))
            for expected in freezing.EXPECTED])

    def local_conf(self):
        """Compare each node's local.conf with what it must be."""
        renders = local_conf.renderer(self.options.devstack)
        pipelines = {job.name: job.pipeline for job in freezing.EXPECTED}
        compared = []
        for expected in local_conf.EXPECTED:
            text = local_conf.render(
                self.frozen(expected.job, pipelines[expected.job]),
                expected.node, self.ours.tree.parent, renders)
            name = '%s-%s-local.conf' % (expected.job, expected.node)
            (self.places.result / name).write_text(text)
            compared.append(((expected.job, expected.node),
                             local_conf.differences(text, expected)))
        self.say('local.conf is rendered by %s' % (
            'devstack' if self.options.devstack else 'our own means'))
        return self._compare('local-conf', ('job', 'node', 'difference'),
                             compared)

    def _compare(self, step, header, compared):
        """Print what was compared; return whether nothing differs."""
        table(header, ((*names, line) for names, lines in compared
                       for line in lines or ['none']))
        good = not any(lines for _, lines in compared)
        self.say('%s: %s' % (step, 'all as it must be' if good else 'WRONG'))
        return good

    def run(self):
        """Let the timer start the job, and look at what it leaves."""
        self.load()
        self.processes.start('executor', 'launcher', 'sshd', 'logs')
        build = running.run(
            self.api, self.processes,
            (self.ours, self.around['openstack/project-config']),
            self.options.job, self.options.timeout, self.say)
        report = running.examine(build, self.places)
        self.say('%s: SUCCESS in %d s' % (build['job_name'],
                                          build['duration']))
        self.say('its report, by its artifacts in the API: %s' % report)
        return True

    def hold(self):
        """Wait for Ctrl-C."""
        self.say('Zuul goes on at %s/t/%s/builds, until Ctrl-C' % (
            self.api.url, where.TENANT))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
        signal.signal(signal.SIGINT, end)


def table(header, rows):
    """Print a table."""
    view = prettytable.PrettyTable(header, align='l')
    view.max_width = 78
    view.add_rows(list(rows))
    print(view, flush=True)


def refuse_other_lab():
    """Say no where a lab is that we have not built.

    :raises ground.Refused: where one is
    """
    for path in (LAB.directory, labs.RUN_DIR):
        if path.exists():
            raise ground.Refused(
                'there is a lab on this machine already (%s): remove it by '
                '"./drill destroy --dir DIRECTORY", or run another '
                '--job' % path)


def destroy_lab():
    """Remove what a build that was ended has left; a good one leaves none."""
    if LAB.directory.exists():
        LAB.play('destroy')


def clean(places):
    """Remove all that runs have kept.

    :raises ground.Refused: when the directory is not ours
    """
    if not places.root.exists():
        return
    if not places.mark.exists():
        raise ground.Refused('%s is not ours' % places.root)
    with ground.held(places):
        shutil.rmtree(places.root)


def end(number, frame):
    """Come to an orderly end, which no second signal cuts short."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    print('zuul-run: ended by %s' % signal.Signals(number).name,
          file=sys.stderr)
    sys.exit(128 + number)


def main(arguments=None):
    """Do what the command line says.

    :returns: exit code
    """
    options = parse(arguments)
    for signum in SIGNALS:
        signal.signal(signum, end)
    try:
        if options.steps == ['clean']:
            clean(where.Places(options.dir))
            return 0
        return Run(options)()
    except ERRORS as error:
        print('zuul-run: %s' % error, file=sys.stderr)
        return 1
