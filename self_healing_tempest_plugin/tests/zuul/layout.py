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

"""Zuul's configuration, as far as it can be known without a Zuul.

That of this repository, and that of the projects around it, which
``tools/zuul/tenant`` stands in for.
"""

import copy
import dataclasses
import functools
import pathlib
import typing

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
TENANT = ROOT / 'tools' / 'zuul' / 'tenant'

#: The keys of a project or a project-template that are no pipeline.
NO_PIPELINES = frozenset([
    'name', 'description', 'templates', 'merge-mode', 'default-branch',
    'vars', 'queue', 'branches'])
#: The attributes of a job that name playbooks.
PLAYBOOKS = ('pre-run', 'run', 'post-run')


def as_list(value):
    """Return what may be a list, or one, or nothing, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def short_name(project):
    """Return the last part of a project's name."""
    return project.rpartition('/')[2]


def merged(below, above):
    """Return nested dicts as one; what is above wins."""
    result = dict(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            value = merged(result[key], value)
        result[key] = value
    return result


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What the projects around us define.

    :ivar items: their configuration, as :attr:`Layout.items`
    :ivar branches: name of a project to its branches
    :ivar roles: names of roles that playbooks of ours get from them
    """

    items: tuple
    branches: typing.Mapping
    roles: frozenset = frozenset()


@dataclasses.dataclass(frozen=True)
class Job:
    """A job with all that it inherits.

    :ivar name: its name
    :ivar ancestry: its own definition first, as dicts
    """

    name: str
    ancestry: tuple

    @property
    def abstract(self):
        """Return whether it is, which its children need not be."""
        return self.ancestry[0].get('abstract', False)

    def get(self, attribute, default=None):
        """Return the value of an attribute that replaces the parent's."""
        return next((ancestor[attribute] for ancestor in self.ancestry
                     if attribute in ancestor), default)

    def merged(self, attribute):
        """Return an attribute of nested dicts, children above parents."""
        return functools.reduce(merged, (
            ancestor.get(attribute) or {}
            for ancestor in reversed(self.ancestry)), {})

    def collected(self, attribute):
        """Return an attribute that is a list, with those of the parents."""
        return [value for ancestor in reversed(self.ancestry)
                for value in as_list(ancestor.get(attribute))]

    def projects(self):
        """Return the names of the required projects as a list."""
        return [project_name(project)
                for project in self.collected('required-projects')]


def project_name(required):
    """Return the name of an entry of required-projects."""
    return required['name'] if isinstance(required, dict) else required


class Layout:
    """The configuration of this repository, and what is around it.

    :ivar items: what our files hold, a list of ``{kind: definition}``
    :ivar root: of the repository, a :class:`pathlib.Path`
    :ivar around: :class:`Surroundings`
    """

    def __init__(self, items, root=ROOT, around=None):
        self.items, self.root = items, root
        self.around = surroundings() if around is None else around

    def changed(self, change, root=None):
        """Return another layout.

        :param change: is called with a copy of :attr:`items` to change
        :param root: of another repository, where the playbooks are changed
        """
        items = copy.deepcopy(self.items)
        change(items)
        return Layout(items, root or self.root, self.around)

    def own(self, kind):
        """Return our definitions of a kind, e.g. ``job``."""
        return [item[kind] for item in self.items if kind in item]

    def all(self, kind):
        """Return all definitions of a kind, ours first."""
        return self.own(kind) + [
            item[kind] for item in self.around.items if kind in item]

    def job(self, name):
        """Return a :class:`Job`, None when nobody defines it."""
        definitions = {definition['name']: definition
                       for definition in self.all('job')[::-1]}
        ancestry = []
        while name in definitions:
            ancestry.append(definitions[name])
            name = definitions[name].get('parent')
        return Job(ancestry[0]['name'], tuple(ancestry)) if ancestry else None

    def jobs(self):
        """Return our jobs, as :class:`Job`."""
        return [self.job(definition['name']) for definition in self.own('job')]

    def nodeset(self, job):
        """Return the nodeset of a job as a dict, None when it is unknown.

        :param job: :class:`Job`
        """
        wanted = job.get('nodeset')
        if isinstance(wanted, dict):
            return wanted
        return next((nodeset for nodeset in self.all('nodeset')
                     if nodeset['name'] == wanted), None)

    def pipelines(self):
        """Return the names of all pipelines as a set."""
        return {pipeline['name'] for pipeline in self.all('pipeline')}

    def queued(self):
        """Return the jobs of our pipelines.

        :returns: name of a pipeline to names of jobs
        """
        queued = {}
        for project in self.own('project') + self.own('project-template'):
            for pipeline, value in project.items():
                if pipeline not in NO_PIPELINES:
                    queued.setdefault(pipeline, []).extend(
                        next(iter(job)) if isinstance(job, dict) else job
                        for job in value.get('jobs', []))
        return queued

    def playbooks(self, definition):
        """Return the paths of a job's own playbooks, as a list.

        :param definition: of the job, a dict
        """
        return [playbook['name'] if isinstance(playbook, dict) else playbook
                for attribute in PLAYBOOKS
                for playbook in as_list(definition.get(attribute))]


def nodes(nodeset):
    """Return the names of the nodes and of the groups of a nodeset."""
    return ({name for node in nodeset['nodes'] for name in as_list(
        node['name'])}, {group['name'] for group in nodeset.get('groups', [])})


def read(directory):
    """Return what the files of a zuul.d directory hold, as one list.

    :param directory: :class:`pathlib.Path`
    """
    return [item for path in sorted(directory.rglob('*.yaml'))
            for item in yaml.safe_load(path.read_text('utf-8'))]


def projects():
    """Return what ``projects.yaml`` of the tenant says, as a dict."""
    return yaml.safe_load((TENANT / 'projects.yaml').read_text('utf-8'))


@functools.cache
def surroundings():
    """Return the :class:`Surroundings` of the tenant."""
    known = projects()
    items = [item for directory in sorted(TENANT.glob('*/*/zuul.d'))
             for item in read(directory)]
    return Surroundings(tuple(items), {
        name: tuple(branches) for kind in known.values()
        for name, branches in kind.items()})


def ours():
    """Return the :class:`Layout` of this repository."""
    return Layout(read(ROOT / 'zuul.d'))
