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

"""What preflight asks about the templates of Vitrage."""

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.links import vitrage_checks

_PERSISTOR = 'PersistorService'


def questions(cloud):
    """Return what to ask; see :class:`..kit.Kit`."""
    vitrage = cloud.clients.vitrage
    return {'Vitrage': {
        'graph': vitrage.status,
        'processes': lambda: vitrage_checks.processes(vitrage),
        'templates': lambda: _states(vitrage, cloud.settings)}}


def _states(vitrage, settings):
    # The list of templates is long in coming; the tests bring their own.
    named = settings.host_alarm.template or settings.nic_alarm.template
    return {template['name']: template['status']
            for template in (vitrage.templates() if named else ())}


def _graph(settings, reason):
    return rows.yes('vitrage-graph answers: %s' % reason)


def _templates(settings, states):
    findings = []
    for alarm in (settings.host_alarm, settings.nic_alarm):
        if not alarm.template:
            findings += rows.yes('%s: the tests add their own' % alarm.name)
        elif states.get(alarm.template) == 'ACTIVE':
            findings += rows.yes('%s: %s is ACTIVE' % (
                alarm.name, alarm.template))
        else:
            findings += rows.no('%s: %s is %s' % (
                alarm.name, alarm.template,
                states.get(alarm.template, 'not there')))
    return tuple(findings)


def _marked(settings):
    named = [alarm.template for alarm in (settings.host_alarm,
                                          settings.nic_alarm)
             if alarm.template]
    if not named:
        return rows.yes('the templates of the tests put servers into ERROR')
    return rows.unknown('whether %s puts servers into ERROR shows when an '
                        'alarm comes' % ', '.join(named))


# Where Nova has to be told, so that others learn it from Nova.
MARKED = rows.Check(
    'deduction', 'mark_down', (), _marked,
    'look whether [self_healing] host_template and nic_template have '
    'mark_down on the instance, and [DEFAULT] notifiers of Vitrage nova')

CHECKS = (
    rows.Check('deduction', 'graph', ('graph',), _graph,
               'look at vitrage-graph'),
    rows.Check('deduction', 'templates', ('templates',), _templates,
               'look at [self_healing] host_template and nic_template, and '
               'at: vitrage template list'),
    rows.Check('deduction', 'vitrage-persistor', ('processes',),
               vitrage_checks.process(_PERSISTOR),
               'start vitrage-persistor: without it no alarm is listed'),
)
