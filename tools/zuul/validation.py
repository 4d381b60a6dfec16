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

"""Zuul reads our configuration, and broken ones, with ``--validate-tenants``.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

from self_healing_tempest_plugin.tests.zuul import broken
from self_healing_tempest_plugin.tests.zuul import complaints
from self_healing_tempest_plugin.tests.zuul import layout as layouts
from tools.zuul import places as where
from tools.zuul import repositories

#: Seconds that Zuul may take to read all tenants.
_READING = 300
# At the end of its output, for each project that is wrong.
_RAISED = 'zuul.exceptions.ConfigurationSyntaxError: '
_PROBLEM = re.compile(r'^problem was:\s+(.+)$', re.MULTILINE)
_ERROR = re.compile(r'^configuration in the repo (\S+) on branch',
                    re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome for one configuration.

    :ivar name: of the variant
    :ivar by: Zuul or our checks, whichever was to refuse it
    :ivar reason: why it was refused, None when it was taken
    :ivar good: whether it was what it had to be
    """

    name: str
    by: str
    reason: str | None
    good: bool


def validate(places, *tenants):
    """Let Zuul read tenants.

    :param places: :class:`.places.Places`; merger and ZooKeeper must run
    :param tenants: their names
    :returns: exit code, and what is wrong as text
    :raises subprocess.TimeoutExpired: when it does not come to an end
    """
    done = subprocess.run(
        [places.program('zuul-scheduler'), '-f', '-c', places.conf,
         '--validate-tenants', *tenants], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=_READING, check=False)
    with (places.log / 'validate.log').open('a') as log:
        log.write(done.stdout)
    return done.returncode, done.stdout.partition(_RAISED)[2]


def ours(places):
    """Let Zuul read our configuration as it is.

    :returns: :class:`Outcome`
    """
    code, errors = validate(places, where.TENANT)
    problem = _PROBLEM.search(errors)
    reason = problem[1] if problem else 'exit code %d' % code
    return Outcome('ours', 'nobody', reason if code else None, code == 0)


def publish_variants(directory):
    """Make a project of each variant that Zuul must refuse.

    :param directory: of the repositories, a :class:`pathlib.Path`
    :returns: the names of the projects
    """
    for variant in broken.REFUSED:
        items = layouts.ours().changed(variant.change).items
        repositories.Repository(directory, variant.project).make(
            ['master'], files=None, texts={
                'zuul.d/all.yaml': yaml.safe_dump(items), **variant.files})
    return [variant.project for variant in broken.REFUSED]


def refused_by_zuul(places):
    """Let Zuul read each variant, in a tenant of its own.

    :param places: :class:`.places.Places`, with the variants published
    :returns: list of an :class:`Outcome` for each
    """
    code, text = validate(places, *(
        variant.project for variant in broken.REFUSED))
    errors = _by_project(text)
    return [_outcome(variant, errors.get(variant.project, ''), code)
            for variant in broken.REFUSED]


def _by_project(text):
    """Return the errors of each project, its name to their text."""
    pieces = _ERROR.split(text)
    errors = {}
    for name, error in zip(pieces[1::2], pieces[2::2]):
        errors[name] = errors.get(name, '') + error
    return errors


def _outcome(variant, reason, code):
    return Outcome(
        variant.name, 'Zuul', _line(variant.complaint, reason),
        bool(code and re.search(variant.complaint, reason)))


def refused_by_our_checks():
    """Let our own checks see each variant that Zuul would take.

    :returns: yields an :class:`Outcome` for each
    """
    for _, variant in broken.STRUCTURE:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name in ('playbooks', 'roles'):
                shutil.copytree(where.ROOT / name, root / name)
            for name, text in variant.files.items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text)
            problems = complaints.all_complaints(
                layouts.ours().changed(variant.change, root))
        reason = '\n'.join(problems)
        yield Outcome(variant.name, 'our checks', _line(
            variant.complaint, reason) or None, bool(
                re.search(variant.complaint, reason)))


def _line(complaint, reason):
    """Return the line that a complaint is in, or the last one."""
    lines = [line.strip() for line in (reason or '').splitlines()]
    return next((line for line in lines if re.search(complaint, line)),
                lines[-1] if lines else None)
