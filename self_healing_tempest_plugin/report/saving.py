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

"""Documents as files: JSON, text, and a page of a whole directory."""

import contextlib
import json
import os

from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import terminal

PAGE = 'index.html'


def dumps(run):
    """Return a document as JSON text.

    :param run: see :mod:`.documents`
    """
    return json.dumps(run, indent=2, allow_nan=False)


def save(directory, run):
    """Write a run as ``<name>.json`` and ``<name>.txt``, and all as a page.

    The page shows every run that the directory holds.

    :param directory: made where it is missing
    :param run: a document, see :mod:`.documents`
    :returns: the three paths
    :raises Exception: the first problem, once all that can be is written
    """
    os.makedirs(directory, exist_ok=True)
    name = run['name']
    steps = (
        lambda: _write(directory, name + '.json', dumps(run)),
        lambda: _write(directory, name + '.txt', terminal.text(run)),
        lambda: render(directory))
    paths, problems = [], []
    for step in steps:
        try:
            paths.append(step())
        except Exception as error:
            # The other files are worth having without it.
            problems.append(error)
    if problems:
        raise problems[0]
    return tuple(paths)


def render(directory):
    """Make the page of a directory from the documents in it.

    A document that cannot be drawn is left out, and named.

    :param directory: that holds JSON files
    :returns: the path of the page
    """
    runs, problems = loading.directory(directory)
    left_out = [str(problem) for problem in problems]
    try:
        content = page.html(runs, left_out=left_out)
    except Exception:
        content = _of_the_drawable(runs, left_out)
    return _write(directory, PAGE, content)


def _of_the_drawable(runs, left_out):
    """Return the page of the runs that can be drawn; it names the rest."""
    problems = [_undrawable(run) for run in runs]
    return page.html(
        [run for run, problem in zip(runs, problems) if not problem],
        left_out=left_out + [
            'run %s of %s cannot be drawn: %s' % (
                run['name'], run['began'], problem)
            for run, problem in zip(runs, problems) if problem])


def _undrawable(run):
    """Return why a run cannot be drawn, empty when it can."""
    try:
        page.html([run])
    except Exception as error:
        return '%s: %s' % (type(error).__name__, error)
    return ''


def write(path, content):
    """Write a text file at once: a reader finds the old or all of the new.

    :param path: the file; what it held before is replaced
    :param content: its lines; what is no Unicode is escaped
    :raises OSError: when it cannot be written
    """
    new = '%s.%d.new' % (path, os.getpid())
    try:
        with open(new, 'w', encoding='utf-8',
                  errors='backslashreplace') as stream:
            stream.write(content + '\n')
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _write(directory, name, content):
    path = os.path.join(directory, name)
    write(path, content)
    return path
