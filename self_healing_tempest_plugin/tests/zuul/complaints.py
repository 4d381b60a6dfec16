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

"""What is wrong with Zuul's configuration although Zuul would take it.

Each check is a function of a :class:`.layout.Layout`, and returns a list of
complaints, one line each.
"""

import re

import yaml
from zuul.lib import re2util

from self_healing_tempest_plugin.tests.zuul import layout as layouts

#: Attributes of a job that hold regular expressions.
_REGEXES = ('branches', 'failure-output', 'files', 'irrelevant-files')
#: Seconds that a DevStack takes until its tests begin, and some to spare.
_STACKING = 3600
_TEMPEST = 'devstack-tempest'
_ROLE_TASK = re.compile(r'^(?:ansible\.builtin\.)?(?:include|import)_role$')


def misspelt_pipelines(layout):
    """Zuul ignores what stands under a pipeline that there is not."""
    return ['pipeline %s: there is none of that name' % pipeline
            for pipeline in layout.queued()
            if pipeline not in layout.pipelines()]


def missing_playbooks(layout):
    """Zuul looks for a playbook when the job runs."""
    return ['job %s: there is no %s' % (definition['name'], path)
            for definition in layout.own('job')
            for path in layout.playbooks(definition)
            if not (layout.root / path).is_file()]


def unknown_hosts(layout):
    """Ansible has no use for variables of hosts that are not there.

    And it skips plays on them.
    """
    complaints = []
    for definition in layout.own('job'):
        names, groups = _nodes(layout, definition)
        complaints += [
            'job %s: %s %s is not in its nodeset' % (
                definition['name'], kind, name)
            for kind, attribute, known in (
                ('group', 'group-vars', groups), ('node', 'host-vars', names))
            for name in definition.get(attribute, {}) if name not in known]
        complaints += [
            'job %s: %s plays on %s, which is not in its nodeset' % (
                definition['name'], path, host)
            for path, play in _plays(layout, definition)
            for host in _hosts(play)
            if host not in names | groups | {'all', 'localhost'}]
    return complaints


def _nodes(layout, definition):
    """Return the nodes and the groups of all jobs that a definition is in."""
    names, groups = set(), set()
    for job in layout.jobs():
        nodeset = layout.nodeset(job)
        if nodeset is not None and not job.abstract and any(
                ancestor['name'] == definition['name']
                for ancestor in job.ancestry):
            of_job = layouts.nodes(nodeset)
            names, groups = names | of_job[0], groups | of_job[1]
    return names, groups


def _plays(layout, definition):
    """Return a job's own playbooks, as pairs of path and play."""
    return [(path, play) for path in layout.playbooks(definition)
            if (layout.root / path).is_file()
            for play in yaml.safe_load((layout.root / path).read_text())]


def _hosts(play):
    return [host.strip().lstrip('!&')
            for host in re.split('[:,]', str(play.get('hosts', '')))]


def unknown_branches(layout):
    """Zuul falls back to the branch of the change, without a word."""
    known = layout.around.branches
    complaints = []
    for definition in layout.own('job'):
        branch = definition.get('override-checkout')
        required = [layouts.project_name(project) for project
                    in layouts.as_list(definition.get('required-projects'))]
        having = {known_branch for name in required
                  for known_branch in known.get(name, ())}
        if branch is not None and branch not in having:
            complaints.append(
                'job %s: none of its required-projects has the branch %s' % (
                    definition['name'], branch))
        complaints += [
            'job %s: %s has no branch %s' % (
                definition['name'], project['name'],
                project['override-checkout'])
            for project in layouts.as_list(definition.get('required-projects'))
            if isinstance(project, dict) and project.get('override-checkout')
            not in (None, *known.get(project['name'], ()))]
    return complaints


def scattered_overrides(layout):
    """The release is named in one place, or a new one is half a release."""
    places = []
    for definition in layout.own('job'):
        if 'override-checkout' in definition:
            places.append('job %s' % definition['name'])
        places += ['job %s, project %s' % (definition['name'], project['name'])
                   for project in layouts.as_list(
                       definition.get('required-projects'))
                   if isinstance(project, dict)
                   and 'override-checkout' in project]
    return [] if len(places) < 2 else [
        'override-checkout is in more than one place: %s' % '; '.join(places)]


def abstract_jobs_queued(layout):
    """Zuul sees an abstract job only when a change comes to the pipeline."""
    abstract = {definition['name'] for definition in layout.all('job')
                if definition.get('abstract')}
    return ['pipeline %s: job %s is abstract' % (pipeline, job)
            for pipeline, jobs in layout.queued().items()
            for job in jobs if job in abstract]


def refused_regexes(layout):
    """RE2 is not Python's: Zuul only warns, and later releases refuse."""
    complaints = []
    for definition in layout.own('job'):
        for attribute in _REGEXES:
            for entry in layouts.as_list(definition.get(attribute)):
                pattern = entry['regex'] if isinstance(entry, dict) else entry
                problem = _refused(pattern)
                if problem:
                    complaints.append('job %s: %s %s: %s' % (
                        definition['name'], attribute, pattern, problem))
    return complaints


def _refused(pattern):
    """Return why RE2 refuses a pattern, None when it does not."""
    try:
        regex = re2util.ZuulRegex(pattern)
    except re.error as error:
        return str(error)
    return regex.re2_failure_message if regex.re2_failure else None


def missing_roles(layout):
    """Zuul looks for a role when the job runs."""
    known = layout.around.roles | {
        path.name for path in (layout.root / 'roles').iterdir()}
    return ['job %s: %s needs the role %s' % (
        definition['name'], path, role) for definition in layout.own('job')
        for path, play in _plays(layout, definition)
        for role in _roles(play) if role not in known]


def _roles(play):
    """Return the names of the roles of a play, whatever brings them in."""
    roles = [role if isinstance(role, str)
             else role.get('role', role.get('name'))
             for role in play.get('roles', [])]
    for section in ('pre_tasks', 'tasks', 'post_tasks', 'handlers'):
        roles += _roles_of_tasks(play.get(section) or [])
    return roles


def _roles_of_tasks(tasks):
    roles = []
    for task in tasks:
        for key, value in task.items():
            if _ROLE_TASK.match(key):
                roles.append(value['name'])
            elif key in ('block', 'rescue', 'always'):
                roles += _roles_of_tasks(value)
    return roles


def plugins_without_project(layout):
    """DevStack clones nothing: what Zuul does not bring is an error then.

    And it looks for a plugin in a directory of the plugin's name.
    """
    complaints = []
    for job in layout.jobs():
        required = {layouts.short_name(project): project
                    for project in job.projects()}
        variables = job.merged('vars')
        for plugin, url in variables.get('devstack_plugins', {}).items():
            if plugin not in required:
                complaints.append(
                    'job %s: plugin %s is not in required-projects' % (
                        job.name, plugin))
            elif not url.endswith('/' + required[plugin]):
                complaints.append('job %s: plugin %s is not %s' % (
                    job.name, plugin, url))
        complaints += [
            'job %s: Tempest plugin %s is not in required-projects' % (
                job.name, tempest_plugin)
            for tempest_plugin in variables.get('tempest_plugins', [])
            if tempest_plugin not in required]
    return complaints


def plugins_on_subnodes(layout):
    """A job's plugins reach all nodes, and enable their services there."""
    complaints = []
    for job in layout.jobs():
        nodeset = layout.nodeset(job)
        plugins = job.merged('vars').get('devstack_plugins')
        if not plugins or nodeset is None or 'subnode' not in layouts.nodes(
                nodeset)[1]:
            continue
        there = job.merged('group-vars').get('subnode', {}).get(
            'devstack_plugins')
        if there is None:
            complaints.append('job %s: group-vars of subnode do not say which '
                              'devstack_plugins it has' % job.name)
        else:
            # devstack orders plugins by what they require, and fails where
            # that is not named.
            complaints += [
                'job %s: group-vars of subnode do not name the plugin %s, not '
                'even with an empty value' % (job.name, plugin)
                for plugin in plugins if plugin not in there]
    return complaints


def unordered_plugins(layout):
    """Zuul's DevStack orders plugins by the names in their settings."""
    settings = layout.root / 'devstack' / 'settings'
    if not settings.is_file():
        return []
    text = settings.read_text('utf-8')
    defined = re.findall(r'^define_plugin\s+(\S+)', text, re.MULTILINE)
    needed = re.findall(
        r'^plugin_requires\s+\S+\s+(\S+)', text, re.MULTILINE)
    return ['job %s: devstack_plugins lacks %s, which devstack/settings '
            'names' % (job.name, plugin) for job in layout.jobs()
            for plugin in defined + needed
            if plugin not in job.merged('vars').get(
                'devstack_plugins', [plugin])]


def untried_jobs(layout):
    """A periodic job cannot be tried before a change of it has merged."""
    queued = layout.queued()
    return ['job %s is in %s but not in experimental' % (job, pipeline)
            for pipeline, jobs in queued.items()
            if pipeline.startswith('periodic')
            for job in jobs if job not in queued.get('experimental', [])]


def short_timeouts(layout):
    """A job that is killed in the midst of a test has no verdict."""
    complaints = []
    for job in layout.jobs():
        test = job.merged('vars').get('tempest_test_timeout')
        if test and job.get('timeout') < test + _STACKING:
            complaints.append(
                'job %s: its timeout of %d s leaves no time for a test of '
                '%d s' % (job.name, job.get('timeout'), test))
    return complaints


def loose_test_regexes(layout):
    """Tests of other plugins may bear our name, too."""
    complaints = []
    for job in layout.jobs():
        if not any(ancestor['name'] == _TEMPEST for ancestor in job.ancestry):
            continue
        regex = job.merged('vars').get('tempest_test_regex', '')
        if not regex.startswith(r'^self_healing_tempest_plugin\.'):
            complaints.append('job %s: tempest_test_regex %r is not anchored '
                              'to this plugin' % (job.name, regex))
    return complaints


CHECKS = (
    misspelt_pipelines, missing_playbooks, unknown_hosts, unknown_branches,
    scattered_overrides, abstract_jobs_queued, refused_regexes, missing_roles,
    plugins_without_project, plugins_on_subnodes, unordered_plugins,
    untried_jobs, short_timeouts, loose_test_regexes)


def all_complaints(layout):
    """Return the complaints of all checks as a list."""
    return [line for check in CHECKS for line in check(layout)]
