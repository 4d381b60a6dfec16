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
import os
import sys
import traceback

from oslo_config import cfg
from tempest import config
from tempest.lib import exceptions

from self_healing_tempest_plugin.cmd import preflight
from self_healing_tempest_plugin.cmd import report
from self_healing_tempest_plugin.cmd import revert
from self_healing_tempest_plugin.redaction import runtime

# Each has a NAME, a HELP, its own arguments and a run() that returns the exit
# code; one that can do without a tempest.conf says so.
COMMANDS = (preflight, revert, report)


def parse(arguments):
    """Return the parsed command line.

    :param arguments: list of words, or None for those of the process
    """
    parser = argparse.ArgumentParser(
        prog='self-healing-tempest',
        description='Beside "tempest run -r self_healing": look whether the '
                    'suite can run, take back what a run has left, and show '
                    'what runs have shown.')
    steps = parser.add_subparsers(dest='command', required=True)
    for command in COMMANDS:
        step = steps.add_parser(command.NAME, help=command.HELP,
                                description=command.HELP)
        step.add_argument(
            '--config-file', metavar='FILE', default=_default(command),
            help='tempest.conf (default: TEMPEST_CONFIG_DIR and '
                 'TEMPEST_CONFIG of the environment, or etc/tempest.conf)')
        command.add_arguments(step)
        step.set_defaults(run=command.run)
    return parser.parse_args(arguments)


def default_path():
    """Return the path of tempest.conf that ``tempest run`` would take."""
    return os.path.join(os.environ.get('TEMPEST_CONFIG_DIR', 'etc'),
                        os.environ.get('TEMPEST_CONFIG', 'tempest.conf'))


def _default(command):
    # A file that somebody names must be there, whatever the command.
    path = default_path()
    needed = getattr(command, 'NEEDS_CONFIGURATION', True)
    return path if needed or os.path.isfile(path) else None


def _configuration(path):
    """Return Tempest's ``CONF`` of a file, None where there is none."""
    if path is None:
        return None
    if not os.path.isfile(path):
        raise exceptions.InvalidConfiguration(
            'There is no %s: name the tempest.conf with --config-file, or go '
            'to the workspace of Tempest.' % path)
    config.CONF.set_config_path(os.path.abspath(path))
    return config.CONF


def main(arguments=None):
    """Run one command.

    :param arguments: list of words, or None for those of the process
    :returns: its exit code
    """
    options = parse(arguments)
    with contextlib.redirect_stdout(runtime.Stream(sys.stdout)):
        return _run(options)


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
