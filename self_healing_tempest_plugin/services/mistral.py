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

"""Mistral: workflows and their executions, by python-mistralclient."""

import contextlib
import functools
import json

from mistralclient.api import base as mistral_base
from mistralclient.api.v2 import client as mistral_client

from self_healing_tempest_plugin.services import endpoints
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import session


def _own(error):
    # The library hands on the faultstring of its JSON; of other JSON it makes
    # None, and what is none remains bytes.
    return isinstance(getattr(error, 'error_message', None), str)


_calling = functools.partial(
    errors.calling, 'Mistral', dialect=errors.Dialect(
        statuses={mistral_base.APIException: 'error_code'}, own=_own))

_VERSION = 'v2'


class Mistral:
    """Workflow executions."""

    def __init__(self, keystone, cloud):
        self._keystone, self._cloud = keystone, cloud
        self._cached = None

    @property
    def _client(self):
        # The library does not look into the catalog when it is handed a
        # session, and it overrides the session's idea of verification.
        if self._cached is None:
            url = endpoints.versioned(
                self._keystone, self._cloud,
                self._cloud.mistral_catalog_type, _VERSION)
            verify = self._cloud.verify
            self._cached = mistral_client.Client(
                mistral_url=url, session=self._keystone,
                insecure=verify is False,
                cacert=verify if isinstance(verify, str) else None)
        return self._cached

    def version(self):
        """Return the newest version of its API as text."""
        with _calling('show its version'):
            return session.version(
                self._keystone, self._cloud,
                self._cloud.mistral_catalog_type, _VERSION, self.workflows)

    @functools.cached_property
    def _everywhere(self):
        """Return what asks for the executions of all projects.

        Mistral refuses it to everybody but administrators, whom it knows by
        their role.
        """
        return {'all_projects': 'true'} if (
            'admin' in session.roles(self._keystone)) else {}

    def executions(self, workflow_name):
        """Return the executions of a workflow, oldest first.

        :param workflow_name: name of the workflow
        :returns: list of dicts; ``input`` and ``params`` are dicts
        """
        with _calling('list executions of %s' % workflow_name):
            return [_execution(execution)
                    for execution in self._client.executions.list(
                        workflow_name=workflow_name, sort_keys='created_at',
                        sort_dirs='asc', **self._everywhere)]

    def executions_of_all(self, workflow_names):
        """Return the executions of several workflows, oldest first.

        :param workflow_names: names of the workflows
        :returns: dict of each to what :meth:`executions` returns
        """
        found = {name: [] for name in workflow_names}
        with _calling('list executions of %d workflows' % len(found)):
            for execution in self._client.executions.list(
                    workflow_name='in:%s' % ','.join(found),
                    sort_keys='created_at', sort_dirs='asc',
                    **self._everywhere):
                if execution.workflow_name in found:
                    found[execution.workflow_name].append(
                        _execution(execution))
        return found

    def newest_executions(self, workflow_name, limit=10):
        """Return executions of a workflow, newest first.

        :param workflow_name: name of the workflow
        :param limit: how many
        :returns: see :meth:`executions`
        """
        with _calling('list executions of %s' % workflow_name):
            return [_execution(execution)
                    for execution in self._client.executions.list(
                        workflow_name=workflow_name, sort_keys='created_at',
                        sort_dirs='desc', limit=limit, **self._everywhere)]

    def workflows(self):
        """Return the names of some workflows of the project, as a list."""
        with _calling('list workflows'):
            return [workflow.name for workflow
                    in self._client.workflows.list(limit=10)]

    def workflow(self, name):
        """Return a workflow as a dict, None when there is none.

        :param name: its name
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'show workflow %s' % name):
            return self._client.workflows.get(name).to_dict()
        return None

    def start(self, workflow_name, values, description, **params):
        """Start a workflow.

        :param workflow_name: name of the workflow
        :param values: its input, a dict
        :param description: of the execution, for people
        :param params: further ones, such as ``env``, a dict
        :returns: id of the execution
        """
        with _calling('start workflow %s' % workflow_name):
            # By position: the name of the first argument has changed before.
            return self._client.executions.create(
                workflow_name, workflow_input=values,
                description=description, **params).id

    def execution(self, execution_id):
        """Return one execution as a dict, with its ``state_info``.

        :returns: None when there is none, or none any more
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'show execution %s' % execution_id):
            return self._client.executions.get(execution_id).to_dict()
        return None

    def tasks(self, execution_id):
        """Return the tasks of an execution, oldest first, as dicts."""
        with _calling('list tasks of execution %s' % execution_id):
            return [task.to_dict() for task in self._client.tasks.list(
                execution_id, sort_keys='created_at', sort_dirs='asc')]

    def actions(self, names):
        """Return those of the named actions that there are, as a set.

        :param names: e.g. ``heat.stacks_get``
        """
        with _calling('list actions'):
            actions = self._client.actions.list(
                name='in:%s' % ','.join(sorted(names)))
            return {action.name for action in actions} & set(names)

    def delete_executions(self, prefix):
        """Delete all executions of some workflows, the running ones too.

        :param prefix: how the names of the workflows begin
        """
        with _calling('delete executions of %s*' % prefix):
            for execution in self._client.executions.list(
                    workflow_name='has:%s' % prefix, **self._everywhere):
                if execution.workflow_name.startswith(prefix):
                    self._delete_execution(execution.id)

    def _delete_execution(self, execution_id):
        with contextlib.suppress(errors.NotThere), _calling(
                'delete execution %s' % execution_id):
            self._client.executions.delete(execution_id, force=True)


def _execution(execution):
    known = execution.to_dict()
    return dict(known, input=_parsed(known.get('input')),
                params=_parsed(known.get('params')))


def _parsed(text):
    try:
        values = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
