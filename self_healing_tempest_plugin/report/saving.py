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

"""Documents as files: JSON, text, and a page of a whole directory.

Every run is kept: its files are named by its scenario and when it began.
"""

import contextlib
import errno
import itertools
import json
import os
import stat

from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.report import trends

PAGE = 'index.html'

# A time in a name: no file system has anything against it.
_PLAIN = str.maketrans('', '', '-:')


def dumps(run):
    """Return a document as JSON text.

    :param run: see :mod:`.documents`
    """
    return json.dumps(run, indent=2, allow_nan=False)


def save(directory, run):
    """Write a run as JSON and as text, and all runs as a page.

    The files are ``<name>-<time>.json`` and ``.txt``, with the UTC time at
    which the run began, e.g. ``test_host_crash-20261123T230858.123Z.json``;
    so that no run takes the place of another. The page shows the newest runs
    of each scenario that the directory holds.

    :param directory: made where it is missing
    :param run: a document, see :mod:`.documents`
    :returns: the three paths
    :raises Exception: the first problem, once all that can be is written
    """
    os.makedirs(directory, exist_ok=True)
    text = dumps(run)
    name = _free(directory, stem(run), text)
    steps = (
        lambda: _write(directory, name + '.json', text),
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


def stem(run):
    """Return the name of a run's files, without what says their kind.

    :param run: a document, see :mod:`.documents`
    """
    return '%s-%s' % (run['name'] or 'run', run['began'].translate(_PLAIN))


def _free(directory, name, text):
    """Return a name that no other run has.

    A clock that was set back may show a time twice.
    """
    for number in itertools.count(1):
        numbered = name if number == 1 else '%s-%d' % (name, number)
        path = os.path.join(directory, numbered + '.json')
        if not os.path.isfile(path) or _holds(path, text):
            return numbered


def _holds(path, text):
    try:
        with open(path, 'rb') as stream:
            return stream.read() == _bytes(text)
    except OSError:
        return False


def render(directory):
    """Make the page of a directory from the newest documents in it.

    A document that cannot be drawn is left out, and named.

    :param directory: that holds JSON files
    :returns: the path of the page
    """
    runs, problems = loading.directory(directory, trends.MOST)
    return _write(directory, PAGE, drawn(
        runs, _repeated, [str(problem) for problem in problems]))


def drawn(runs, steps_of, left_out):
    """Return the page of all runs that can be drawn; it names the others.

    :param runs: documents, see :func:`.page.html`
    :param steps_of: returns the statistics of documents that are shown
    :param left_out: why other files are not on the page, as lines
    """
    try:
        return page.html(runs, steps_of(runs), left_out)
    except Exception:
        # A schema does not know what fits together.
        return _of_the_drawable(runs, left_out)


def _repeated(runs):
    """Return the statistics of the scenarios of which there are several."""
    return [step for step in statistics.of(runs, {}) if step.n > 1]


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

    :param path: the file; what it held before is replaced, and where it is
        a link, it stays one; what is no file, such as a pipe, is written into
    :param content: its lines; what is no Unicode is escaped
    :raises OSError: when it cannot be written
    """
    if _is_no_file(path):
        _pour(path, _bytes(content))
        return
    path = os.path.realpath(path)
    new = '%s.%d.new' % (path, os.getpid())
    try:
        with open(new, 'wb') as stream:
            stream.write(_bytes(content))
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _is_no_file(path):
    """Return whether there is something that is no regular file."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


def _pour(path, data):
    """Write into what is there; a pipe that nobody reads is not waited for."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(errno.ENXIO, 'nobody reads from it') from None
    with open(descriptor, 'wb') as stream:
        os.set_blocking(descriptor, True)
        stream.write(data)


def _bytes(content):
    return (content + '\n').encode('utf-8', 'backslashreplace')


def _write(directory, name, content):
    path = os.path.join(directory, name)
    write(path, content)
    return path
