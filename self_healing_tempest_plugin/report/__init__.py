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

"""A timeline for people and for programs: text, JSON and a page."""

import contextlib
import json
import os

from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import reading
from self_healing_tempest_plugin.report import texts

FORMAT = documents.FORMAT
PAGE = 'index.html'

document = documents.document
line = texts.line
text = texts.text


def dumps(timeline, expectation, diagnosis=None, name='', story=''):
    """Return :func:`document` as JSON text."""
    return _dumps(document(timeline, expectation, diagnosis, name, story))


def save(directory, name, timeline, expectation, diagnosis=None, story=''):
    """Write a run as ``<name>.json`` and ``<name>.txt``, and all as a page.

    The page shows every run that the directory holds.

    :param directory: made where it is missing
    :param name: of the scenario
    :param timeline: see :func:`document`
    :param expectation: see :func:`document`
    :param diagnosis: see :func:`document`
    :param story: see :func:`document`
    :returns: the three paths
    :raises Exception: the first problem, once all that can be is written
    """
    os.makedirs(directory, exist_ok=True)
    steps = (
        lambda: _write(directory, name + '.json', _dumps(document(
            timeline, expectation, diagnosis, name, story))),
        lambda: _write(directory, name + '.txt',
                       text(timeline, expectation, diagnosis)),
        lambda: render(directory))
    paths, problems = [], []
    for step in steps:
        try:
            paths.append(step())
        except Exception as error:
            # The others are worth having without it.
            problems.append(error)
    if problems:
        raise problems[0]
    return tuple(paths)


def render(directory):
    """Make the page of a directory from the documents in it.

    What cannot be drawn is left out, and named.

    :returns: the path of the page
    """
    found, problems = reading.directory(directory)
    left_out = [str(one) for one in problems]
    try:
        content = page.html(found, left_out=left_out)
    except Exception:
        good = [run for run in found if not _undrawable(run)]
        content = page.html(good, left_out=left_out + [
            'run %s of %s cannot be drawn: %s' % (
                run['name'], run['began'], _undrawable(run))
            for run in found if run not in good])
    return _write(directory, PAGE, content)


def _undrawable(run):
    """Return why a run cannot be drawn, empty when it can."""
    try:
        page.html([run])
    except Exception as error:
        return '%s: %s' % (type(error).__name__, error)
    return ''


def write(path, content):
    """Write a text file at once: whoever reads it reads all of it.

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


def _dumps(run):
    return json.dumps(run, indent=2, allow_nan=False)
