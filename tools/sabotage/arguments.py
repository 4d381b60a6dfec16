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

"""What a command line of the sabotage asks for."""

import argparse
import pathlib
import re

from tools.lab import labs
from tools import regexes
from tools.sabotage import catalog


def chosen(options):
    """Return the cases that the command line names."""
    cases = [case for case in catalog.CASES
             if not options.cases or case.name in options.cases]
    if options.quick:
        cases = [case for case in cases if case.quick]
    return [case for case in cases if re.search(options.regex, case.name)]


def parse(arguments, description):
    """Return the parsed command line.

    :param arguments: list of text, None for those of the process
    :param description: of the command, for its help
    :raises SystemExit: where it makes no sense, or no case is left
    """
    parser = argparse.ArgumentParser(
        prog='tox -e sabotage --', description=description,
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        'cases', nargs='*', metavar='CASE',
        help='name of a case (default: all)')
    parser.add_argument('--list', action='store_true',
                        help='list the cases, and do nothing')
    parser.add_argument('--quick', action='store_true',
                        help='only those that take 10 minutes together')
    parser.add_argument('-r', '--regex', default='', type=regexes.regex,
                        help='only cases whose name it is found in')
    parser.add_argument('--rounds', type=int, default=1, metavar='N',
                        help='run all cases N times (default: %(default)s)')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE',
                        help='write all results, as JSON')
    parser.add_argument('--csv', type=pathlib.Path, metavar='FILE',
                        help='write a table, as CSV')
    labs.add_option(parser)
    options = parser.parse_args(arguments)
    unknown = set(options.cases) - {case.name for case in catalog.CASES}
    if unknown:
        parser.error('no such case: %s' % ', '.join(sorted(unknown)))
    if not chosen(options):
        parser.error('no case is left: of those named, none %s' % (
            ' and '.join(filter(None, (
                options.quick and 'is one of --quick',
                options.regex and 'is found by --regex %s' % options.regex)))))
    return options
