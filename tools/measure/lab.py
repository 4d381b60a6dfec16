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

"""How long the lab takes to come up, in the three states it can be in.

Destroys the lab that is there. Debian packages that are installed stay so;
the result says how many were missing at the start. Everything else is
fetched again: the caches of pip and uv are empty ones.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import tools

PACKAGES = tools.SOURCE / 'roles' / 'lab_packages' / 'vars' / 'main.yml'

#: What each start may take, in seconds, on two cores.
LIMITS = {'nothing installed': 480, 'installed, down': 90, 'already up': 30}


def lab(step, environment):
    """Run a step of the lab.

    :returns: seconds that it took
    :raises subprocess.CalledProcessError: when it failed
    """
    begin = time.monotonic()
    subprocess.run([sys.executable, str(tools.SOURCE / 'tools' / 'lab'), step],
                   env=environment, check=True)
    return round(time.monotonic() - begin, 1)


def missing_packages():
    """Return how many of the lab's Debian packages are not installed."""
    wanted = set(re.findall(r'^  - (\S+)$', PACKAGES.read_text(),
                            re.MULTILINE))
    listed = subprocess.run(
        ['dpkg-query', '--show', '--showformat',
         '${db:Status-Abbrev} ${Package}\\n'],
        check=True, capture_output=True, text=True).stdout
    return len(wanted - set(re.findall(r'^ii +(\S+)$', listed,
                                       re.MULTILINE)))


def measure(environment):
    """Bring the lab up from each state.

    :returns: seconds by state
    """
    lab('destroy', environment)
    seconds = {'nothing installed': lab('up', environment)}
    lab('down', environment)
    seconds['installed, down'] = lab('up', environment)
    seconds['already up'] = lab('up', environment)
    return seconds


def machine():
    """Return what the figures depend on."""
    cpus = re.findall(r'^model name\s*: (.*)$',
                      pathlib.Path('/proc/cpuinfo').read_text(),
                      re.MULTILINE)
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return {'cores': os.cpu_count(), 'processor': cpus[0] if cpus else '',
            'memory_mib': memory >> 20, 'kernel': platform.release()}


def main(arguments=None):
    """Measure and write the figures.

    :returns: 0 when no start took longer than its limit
    """
    parser = argparse.ArgumentParser(
        prog='tools/measure lab', description=__doc__.splitlines()[0])
    parser.add_argument('output', type=pathlib.Path,
                        help='JSON file for the figures')
    output = parser.parse_args(arguments).output
    missing = missing_packages()
    with tempfile.TemporaryDirectory() as caches:
        seconds = measure(dict(
            os.environ, PIP_CACHE_DIR=os.path.join(caches, 'pip'),
            UV_CACHE_DIR=os.path.join(caches, 'uv')))
    output.write_text(json.dumps({
        'machine': machine(),
        'debian_packages_missing_at_start': missing,
        'seconds': seconds, 'limits': LIMITS}, indent=2) + '\n')
    print(output.read_text())
    late = [state for state in LIMITS if seconds[state] > LIMITS[state]]
    for state in late:
        print('%s: %s s, the limit is %d s' % (
            state, seconds[state], LIMITS[state]), file=sys.stderr)
    return 1 if late else 0
