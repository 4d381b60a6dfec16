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

"""``self-healing-tempest``: what is done beside ``tempest run``."""

import argparse
import contextlib
import dataclasses
import importlib
import os
import signal
import sys
import traceback

from oslo_config import cfg
from tempest import config
from tempest.lib import exceptions

from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import encoding

# Where Tempest looks last.
FAILSAFE = '/etc/tempest/tempest.conf'


@dataclasses.dataclass(frozen=True)
class Command:
    """A command, as far as it is known without importing it.

    :ivar name: also of its module, which has add_arguments(), for its own
        ones, and run(), which returns the exit code
    :ivar help: what it does
    :ivar needs_configuration: whether it needs a tempest.conf
    """

    name: str
    help: str
    needs_configuration: bool = True

    def load(self):
        """Return its module."""
        return importlib.import_module('%s.%s' % (__package__, self.name))


COMMANDS = (
    Command('preflight',
            'Say link by link whether the suite could run, within seconds '
            'and without changing anything. The exit code is 0 when no '
            'answer is no. Unknown is what cannot be seen from outside.'),
    Command('revert',
            'Take back the faults that runs have left behind, newest first, '
            'and remove what they have created in the cloud. The exit code '
            'is 0 only when it is verified that nothing is left, or the '
            'operator has closed what is.'),
    Command('report',
            'Show what runs have left as JSON, several of them together: '
            'their verdicts, and how long each link takes. The exit code is '
            '0 when all verdicts are good and no objective is missed.',
            needs_configuration=False))


def parse(arguments):
    """Return the parsed command line.

    Only the command that it names is imported: none of them needs the
    clients of the others.

    :param arguments: list of words, or None for those of the process
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    named = next((word for word in arguments if not word.startswith('-')),
                 None)
    parser = argparse.ArgumentParser(
        prog='self-healing-tempest',
        description='Beside "tempest run -r self_healing": look whether the '
                    'suite can run, take back what a run has left, and show '
                    'what runs have shown.')
    steps = parser.add_subparsers(dest='command', required=True)
    for command in COMMANDS:
        step = steps.add_parser(command.name, help=command.help,
                                description=command.help)
        step.add_argument(
            '--config-file', metavar='FILE', default=_default(command),
            help='tempest.conf (default: TEMPEST_CONFIG_DIR and '
                 'TEMPEST_CONFIG of the environment, or etc/tempest.conf, or '
                 '%s)' % FAILSAFE)
        if command.name == named:
            module = command.load()
            module.add_arguments(step)
            step.set_defaults(run=module.run)
    return parser.parse_args(arguments)


def default_paths():
    """Return the paths that "tempest run" looks for its tempest.conf at.

    The first that is a file counts; see ``tempest.config``.
    """
    return (os.path.join(os.environ.get('TEMPEST_CONFIG_DIR', 'etc'),
                         os.environ.get('TEMPEST_CONFIG', 'tempest.conf')),
            FAILSAFE)


def _default(command):
    # A file that somebody names must be there, whatever the command.
    paths = default_paths()
    there = next(filter(os.path.isfile, paths), None)
    return there or (paths[0] if command.needs_configuration else None)


def _configuration(path):
    """Return Tempest's ``CONF`` of a file, None where there is none."""
    if path is None:
        return None
    # After --config-file=, a shell leaves "~" as it is.
    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        # Tempest would take another one without a word.
        raise exceptions.InvalidConfiguration(
            'There is no %s%s: name the tempest.conf with --config-file, or '
            'go to the workspace of Tempest.' % (path, (
                ', nor %s' % FAILSAFE) if path == default_paths()[0] else ''))
    config.CONF.set_config_path(os.path.abspath(path))
    return config.CONF


def main(arguments=None):
    """Run one command.

    :param arguments: list of words, or None for those of the process
    :returns: its exit code
    """
    output = encoding.Stream(sys.stdout)
    with contextlib.redirect_stdout(output), (
            contextlib.redirect_stderr(encoding.Stream(sys.stderr))):
        try:
            options = parse(arguments)
            with contextlib.redirect_stdout(runtime.Stream(sys.stdout)):
                code = _run(options)
        except KeyboardInterrupt:
            print('Interrupted', file=sys.stderr)
            code = 128 + signal.SIGINT
        output.flush()
        return code if output.lost is None else _unread(output.lost)


def _unread(error):
    """Return the exit code of a command whose output is lost."""
    if isinstance(error, BrokenPipeError):
        # Whoever reads has seen enough.
        return 128 + signal.SIGPIPE
    print('The output cannot be written: %s' % error.strerror,
          file=sys.stderr)
    return 2


def _run(options):
    try:
        return options.run(options, _configuration(options.config_file))
    except (exceptions.TempestException, cfg.Error) as error:
        print(' '.join(runtime.text(error).split()), file=sys.stderr)
        return 2
    except Exception:
        # The log that Tempest has set up hides it in its file.
        print(runtime.text(traceback.format_exc()), end='', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
