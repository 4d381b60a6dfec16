#!/usr/bin/env python3
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

"""Writes down what the services know of the last healings, as JSON.

Vitrage's graph and alarms of all projects, Mistral's executions with their
tasks, Heat's stacks with their events, Nova's services and servers, the
alerts and targets of the monitor: as their APIs say it, a file for each. It
runs in the environment of Tempest and reads tempest.conf. A service that does
not answer never loses the others: a line of missing.txt says what could not
be had.
"""

import argparse
import functools
import json
import pathlib
import sys

from keystoneauth1 import adapter
from tempest.common import credentials_factory
from tempest import config as tempest_config

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import session
from self_healing_tempest_plugin.services import strangers

#: How many executions and stacks are asked for what belongs to them, the
#: newest ones.
NEWEST = 100

#: Seconds that an answer of the monitor may take.
TIMEOUT = 30


class Api:
    """JSON of one service of the cloud."""

    def __init__(self, keystone, cloud, name, service_type):
        """Take where it is; nothing is asked yet.

        :param keystone: Keystone session
        :param cloud: :class:`..config.Cloud`
        :param name: of the service, for messages
        :param service_type: its type in the catalog
        """
        self._name = name
        self._adapter = adapter.Adapter(
            keystone, service_type=service_type,
            interface=cloud.endpoint_type, region_name=cloud.region)

    def get(self, path, **params):
        """Return what it answers.

        :raises errors.ServiceError: when it does not
        """
        with errors.calling(self._name, 'GET %s' % path):
            return self._adapter.get(path, params=params).json()

    def post(self, path, values):
        """Return what it answers to a question that is posted.

        :raises errors.ServiceError: when it does not
        """
        with errors.calling(self._name, 'POST %s' % path):
            return self._adapter.post(path, json=values).json()


class Monitor:
    """JSON of Prometheus or Alertmanager, which know no Keystone."""

    def __init__(self, name, urls, access, verify):
        """Take where they are.

        :param urls: of those that do the same; none is configured without
        """
        self._name = name
        self._apis = [strangers.Api(url, TIMEOUT, verify, access)
                      for url in urls]
        for api in self._apis:
            api.service = name

    def get(self, path):
        """Return what it answers, of several a list of all answers.

        :raises errors.ServiceError: when it does not
        """
        if not self._apis:
            raise errors.ServiceRefused(
                self._name, 'GET %s' % path, 'its URL is not in tempest.conf')
        answers = [api.get_json('GET %s' % path, path) for api in self._apis]
        return answers[0] if len(answers) == 1 else answers


def executions(mistral):
    """Return the newest executions, each with its tasks, oldest first."""
    found = mistral.get('/executions', all_projects='true', limit=NEWEST,
                        sort_keys='created_at', sort_dirs='desc')
    return [dict(one, tasks=mistral.get(
        '/executions/%s/tasks' % one['id'])['tasks'])
        for one in reversed(found['executions'])]


def stacks(heat):
    """Return the newest stacks, deleted ones too, each with its events."""
    found = heat.get('/stacks', show_deleted='true', limit=NEWEST,
                     sort_keys='created_at', sort_dir='desc')
    return [dict(one, events=heat.get('/stacks/%s/%s/events' % (
        one['stack_name'], one['id']))['events'])
        for one in reversed(found['stacks'])]


def questions(keystone, settings):
    """Return what is asked: the name of each file, and who fills it.

    :param keystone: Keystone session
    :param settings: :class:`..config.Settings`
    """
    cloud = settings.cloud
    api = functools.partial(Api, keystone, cloud)
    vitrage = api('Vitrage', cloud.vitrage_catalog_type)
    mistral = api('Mistral', cloud.mistral_catalog_type)
    heat = api('Heat', cloud.heat_catalog_type)
    nova = api('Nova', 'compute')
    prometheus = Monitor('Prometheus', settings.prometheus_urls,
                         settings.prometheus_access, cloud.verify)
    alertmanager = Monitor('Alertmanager', settings.alertmanager_urls,
                           settings.alertmanager_access, cloud.verify)
    ask = functools.partial
    return {
        'vitrage-topology': ask(vitrage.post, '/v1/topology/', {
            'graph_type': 'graph', 'all_tenants': True}),
        'vitrage-alarms': ask(vitrage.get, '/v1/alarm/', vitrage_id='all',
                              all_tenants='true'),
        'vitrage-alarm-history': ask(vitrage.get, '/v1/alarm/history/',
                                     all_tenants='true'),
        'vitrage-templates': ask(vitrage.get, '/v1/template/'),
        'mistral-executions': ask(executions, mistral),
        'heat-stacks': ask(stacks, heat),
        'nova-services': ask(nova.get, '/os-services'),
        'nova-servers': ask(nova.get, '/servers/detail',
                            all_tenants='true'),
        'prometheus-alerts': ask(prometheus.get, '/api/v1/alerts'),
        'prometheus-rules': ask(prometheus.get, '/api/v1/rules'),
        'prometheus-targets': ask(prometheus.get, '/api/v1/targets'),
        'alertmanager-alerts': ask(alertmanager.get, '/api/v2/alerts'),
        'alertmanager-silences': ask(alertmanager.get, '/api/v2/silences'),
    }


def write_all(asked, directory):
    """Ask everything, and write what is answered.

    :param asked: see :func:`questions`
    :param directory: where to, a :class:`pathlib.Path`; it is made
    :returns: list of lines, what could not be had and why
    """
    directory.mkdir(parents=True, exist_ok=True)
    missing = []
    for name, ask in asked.items():
        try:
            answer = ask()
        except Exception as error:
            # Whatever it is, the next one is asked.
            missing.append('%s: %s' % (name, ' '.join(str(error).split())))
        else:
            (directory / ('%s.json' % name)).write_text(
                json.dumps(answer, indent=2) + '\n', encoding='utf-8')
    return missing


def connect(path):
    """Return a Keystone session and the settings of a tempest.conf.

    :param path: of the file
    """
    conf = tempest_config.CONF
    conf.set_config_path(str(path.absolute()))
    settings = config.settings(conf)
    credentials = credentials_factory.get_configured_admin_credentials(
        identity_version='v3')
    return session.of_project(settings.cloud, credentials), settings


def main(arguments=None):
    """Ask, and note what could not be had."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', metavar='TEMPEST.CONF', type=pathlib.Path)
    parser.add_argument(
        'directory', metavar='DIRECTORY', type=pathlib.Path,
        help='which there is; gets missing.txt, and services/ for the JSON')
    options = parser.parse_args(arguments)
    try:
        asked = questions(*connect(options.config))
    except Exception as error:
        missing = ['all services: %s' % ' '.join(str(error).split())]
    else:
        missing = write_all(asked, options.directory / 'services')
    with (options.directory / 'missing.txt').open('a') as stream:
        stream.writelines('%s\n' % line for line in missing)


if __name__ == '__main__':
    sys.exit(main())
