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

"""All cases of sabotage."""

from tools.lab import labs
from tools.sabotage import breakages
from tools.sabotage import case

Case = case.Case

# The application may come to be on either.
_HOSTS = ('compute-1', 'compute-2')

ALERTMANAGER = 'prometheus/alertmanager.yml'
RULES = 'prometheus/rules.yml'

# At each of its snapshots Vitrage asks Alertmanager for the alerts of the
# receiver "vitrage": a second way, which heals what the webhook has lost, and
# which knows nothing of silences. Under another name there is only one way.
_WEBHOOK_ONLY = ((r'^(\s*-? ?(?:receiver|name)): vitrage$',
                  r'\1: webhook'),)


def _alertmanager(*edits):
    return breakages.EditedFile(ALERTMANAGER, 'alertmanager', edits)


def _rules(*edits):
    return breakages.EditedFile(RULES, 'prometheus', edits)


def _settings(path, program, *edits):
    return breakages.EditedSettings(path, (program,), edits)


def _bmcs(script):
    return tuple(breakages.MeddledBmc(host, script) for host in _HOSTS)


def _tenant(name, **fields):
    """Return a case of a plain member's application."""
    return Case(name=name, **{'feature': 'tenant_host_crash', **fields})


def _template(name, entities, scenarios, status='ACTIVE'):
    return breakages.AddedTemplate({
        'metadata': {'version': '3', 'name': name, 'type': 'standard',
                     'description': 'Sabotage'},
        'entities': dict(_ENTITIES, **entities), 'scenarios': scenarios,
    }, status)


def _works(*links):
    return dict.fromkeys(links, True)


_ENTITIES = {
    'host_alarm': {'category': 'ALARM', 'type': 'prometheus',
                   'name': 'HostDown'},
    'host': {'type': 'nova.host'},
    'instance': {'type': 'nova.instance'}}

_HOST_DOWN = {
    'condition': 'host_alarm [on] host',
    'actions': [{'set_state': {'target': 'host', 'state': 'ERROR'}},
                {'mark_down': {'target': 'host'}}]}


def _instance_down(condition):
    return {'condition': condition, 'actions': [
        {'raise_alarm': {'target': 'instance', 'severity': 'CRITICAL',
                         'alarm_name': 'Instance down',
                         'causing_alarm': 'host_alarm'}},
        {'set_state': {'target': 'instance', 'state': 'ERROR'}}]}


_IN_ERROR = _template(
    'sabotage_in_error', {},
    [_HOST_DOWN, _instance_down('host_alarm [on] host AND nobody')], 'ERROR')

_ELSEWHERE = _template(
    'sabotage_elsewhere', {
        'zone': {'type': 'nova.zone'}, 'neighbour': {'type': 'nova.host'}},
    [_HOST_DOWN, _instance_down(
        'host_alarm [on] host AND zone [contains] host AND '
        'zone [contains] neighbour AND neighbour [contains] instance')])

_UNMARKED = _template(
    'sabotage_unmarked', {},
    [_HOST_DOWN, _instance_down(
        'host_alarm [on] host AND host [contains] instance')])

_HARMLESS = _template(
    'sabotage_harmless', {
        'host_alarm': dict(_ENTITIES['host_alarm'], name='NeverRaised')},
    [_HOST_DOWN])

# The other one of the two hosts.
_WRONG_HOST = (
    r'(alert: HostDown\n(?:.*\n)*?\s+labels: \{)',
    r"""\1hostname: '{{ if eq $labels.hostname "compute-1" }}compute-2"""
    r"""{{ else }}compute-1{{ end }}', """)

CASES = (
    Case(name='alert-muted', link='alarm',
         broken='the alert is routed to a receiver that tells nobody',
         before=(_alertmanager(
             (r'^route:\n  receiver: vitrage$',
              'route:\n  receiver: nobody'),
             (r'^receivers:$', 'receivers:\n- name: nobody')),)),
    Case(name='webhook-dead-port', link='alarm',
         broken="Alertmanager's webhook goes to a port where nobody listens",
         before=(_alertmanager(
             *_WEBHOOK_ONLY, (r':8999/v1/event$', ':9/v1/event')),)),
    Case(name='webhook-wrong-password', link='alarm',
         broken="Alertmanager's webhook has a wrong password",
         before=(_alertmanager(
             *_WEBHOOK_ONLY, (r'password: \S+$', 'password: wrong')),),
         works=_works('deduction', 'workflow', 'stack', 'application')),
    Case(name='alert-wrong-host', link='alarm',
         broken="the alert's label names the other host",
         before=(_rules(_WRONG_HOST),)),
    Case(name='alarm-stale', kind='INVALID',
         broken='the alarm is active already, from before the fault',
         before=(_HARMLESS,), act='stale_alarm',
         options={'host_template': 'sabotage_harmless'}),
    Case(name='alarm-flaps-before', kind='INVALID',
         broken='the alarm was active seconds before the fault',
         act='flapping_alarm', says='before the fault'),
    Case(name='interrupted', kind='INVALID',
         broken='somebody interrupts the run while it watches',
         act='interrupted', interrupted=True, says='ended early'),
    Case(name='host-template-missing', link='deduction',
         broken='Vitrage has no host template',
         options={'host_template': 'sabotage_missing'}),
    Case(name='host-template-error', link='deduction',
         broken='the host template is in ERROR', before=(_IN_ERROR,),
         options={'host_template': 'sabotage_in_error'}),
    Case(name='deduction-wrong-instance', link='deduction',
         broken='the host template takes down the instances of other hosts',
         before=(_ELSEWHERE,), act='decoy',
         options={'host_template': 'sabotage_elsewhere'}),
    Case(name='healing-rule-missing', link='workflow', healing=False,
         broken='the application has no healing rule',
         works=_works('stack', 'application')),
    Case(name='rule-of-one-missing', link='workflow', healed=3,
         broken='one of four applications has no healing rule any more',
         options={'applications': '4'}, act='rule_of_last_deleted',
         deadlines={'stack': 120, 'application': 60}),
    Case(name='notifier-stopped', link='workflow', quick=True,
         broken='vitrage-notifier does not run',
         before=(breakages.StoppedProgram('vitrage-notifier'),)),
    Case(name='workflow-missing', link='workflow',
         broken='Mistral has no such workflow', act='missing_workflow'),
    Case(name='workflow-errors', link='workflow',
         broken='the workflow ends in ERROR', act='failing_workflow',
         works=_works('stack', 'application')),
    Case(name='workflow-idle', link='stack',
         broken='the workflow ends in SUCCESS and has done nothing',
         act='idle_workflow', deadlines={'stack': 30}),
    Case(name='heat-engine-stopped', link='stack',
         broken='heat-engine does not run', act='stopped_engine',
         options={'request_timeout': '10'}, deadlines={'stack': 30}),
    Case(name='no-room', link='stack',
         broken='no other host takes the new server', act='no_room',
         deadlines={'stack': 60}),
    Case(name='room-later', kind='HEALED',
         broken='nothing: the first tries find no host for the new server',
         act='room_later', deadlines={'stack': 120}),
    Case(name='application-dead', link='application',
         broken='the new server is ACTIVE, and its application does not run',
         act='dead_application'),
    Case(name='drip', link='application',
         broken='the new server answers one byte a second',
         act='dripping_application'),
    Case(name='redirected', link='application',
         broken='the new server sends everybody to another one, which '
                'answers rightly',
         act='redirecting_application'),
    Case(name='healed-by-hand', kind='NOT_HEALED_BY_THIS_CHAIN',
         link='workflow', quick=True,
         broken='someone replaces the server before the workflow does',
         act='healed_by_hand'),
    Case(name='evacuated', kind='NOT_HEALED_BY_THIS_CHAIN', link='workflow',
         broken='nobody heals, but Nova moves the server to another host',
         # Whoever moves it takes longer than a workflow to begin.
         act='evacuated', healing=False, deadlines={'workflow': 60},
         says='evacuate'),
    Case(name='all-slow', kind='HEALED',
         broken='nothing: every link is slow, within its deadline',
         before=(_rules((r'(alert: HostDown\n(?:.*\n)*?\s+for: )2s',
                         r'\g<1>8s'),),),
         act='slow', deadlines={'deduction': 20, 'workflow': 20,
                                'stack': 120, 'application': 60}),
    Case(name='api-unavailable', kind='HEALED',
         broken="nothing: Heat's API answers 503 for 10 s in the middle",
         act='unavailable_heat'),
    Case(name='two-updates', kind='HEALED',
         broken='nothing: somebody updates the stack before the workflow '
                'does',
         act='two_updates'),
    Case(name='mistral-restarted', kind='HEALED',
         broken='nothing: Mistral is restarted while the workflow runs',
         # What Mistral has forgotten, it notices when the time is over.
         act='restarted_mistral', deadlines={'stack': 180}),
    Case(name='injector-lies', kind='INVALID', link='fault', quick=True,
         broken='the power is not taken, though the command says so',
         options={'host_power_driver': 'command',
                  'host_power_off_command': '/bin/true {host}',
                  'witness_timeout': '10'}),
    Case(name='bmc-away', kind='INVALID',
         broken='the BMCs do not answer', before=tuple(
             breakages.StoppedProgram(labs.BMC + host, (labs.MACHINE,))
             for host in _HOSTS),
         options={'host_power_timeout': '10'},
         says=r'unknown whether host compute-\d has power: its BMC at \S+ '
              'did not answer'),
    Case(name='bmc-lies', kind='INVALID', link='fault',
         broken='the BMC says that the power is off, and leaves it on',
         before=_bmcs('lies'), options={'witness_timeout': '10'},
         says=r'no witness of: host compute-\d without power'),
    Case(name='bmc-third-try', kind='HEALED',
         broken='nothing: a BMC does only every third time what it is told',
         before=_bmcs('third-try')),
    Case(name='fence-third-try', kind='HEALED',
         broken='nothing: fence_ipmilan meets a BMC that follows every third '
                'order',
         before=_bmcs('third-order'),
         # The agent looks for twenty seconds whether an order was followed.
         options={'host_power_driver': 'fence', 'host_power_timeout': '120'}),
    Case(name='execution-storm', kind='EXECUTION_STORM', link='workflow',
         broken='the workflow is started again and again', act='storm',
         expectation={'max_executions': 1}),
    Case(name='split-brain', kind='SPLIT_BRAIN', link='application',
         broken='nobody ends the old guest, and the network gives the '
                'address back to it',
         before=(breakages.StoppedProgram(
             'self-fence', _HOSTS),),
         feature='management_nic_down', act='two_guests',
         # The host must not be back before its guest has a successor.
         options={'return_watch_time': '5', 'host_timer': '150'}),
    _tenant('nova-notifies-versioned', link='event_alarm',
            broken='Nova sends versioned notifications only',
            before=(_settings('nova/nova.conf', 'nova-api', (
                r'^(notification_format) = both$', r'\1 = versioned')),),
            points='notification_format'),
    _tenant('ceilometer-stopped', link='event_alarm',
            broken='ceilometer-agent-notification does not run',
            before=(breakages.StoppedProgram(
                'ceilometer-agent-notification'),),
            points='^ceilometer-agent-notification'),
    _tenant('publisher-missing', link='event_alarm',
            broken='Ceilometer publishes its events to nobody',
            before=(_settings(
                'ceilometer/event_pipeline.yaml',
                'ceilometer-agent-notification',
                (r'notifier://\?topic=alarm\.all', 'test://')),),
            points='event_pipeline.yaml'),
    _tenant('listener-stopped', link='event_alarm', quick=True,
            broken='aodh-listener does not run',
            before=(breakages.StoppedProgram('aodh-listener'),),
            points='^aodh-listener'),
    _tenant('alarm-cache', link='event_alarm',
            broken='aodh-listener keeps the alarms of a project, without the '
                   'new ones',
            before=(_settings('aodh/aodh.conf', 'aodh-listener', (
                r'^(event_alarm_cache_ttl) = 0$', r'\1 = 600')),),
            points='event_alarm_cache_ttl'),
    _tenant('alarm-fired-before', link='event_alarm',
            broken='the event alarms have fired before, without '
                   'repeat_actions',
            act='fired_before', points='repeat_actions'),
    _tenant('mark-down-missing', link='event_alarm',
            broken='the host template does not take the instances down in '
                   'Nova',
            before=(_UNMARKED,),
            options={'host_template': 'sabotage_unmarked'},
            points='mark_down'),
    _tenant('alarm-notifier-stopped', link='message',
            broken='aodh-notifier does not run',
            before=(breakages.StoppedProgram('aodh-notifier'),),
            points='^aodh-notifier'),
    _tenant('zaqar-stopped', link='message', broken='Zaqar does not run',
            act='stopped_zaqar', options={'request_timeout': '10'},
            points='^Zaqar'),
    _tenant('alarm-trusts-lost', link='message',
            broken='the trusts of the event alarms are deleted',
            act='lost_alarm_trusts', points='trusts of the event alarms'),
    _tenant('role-lost', link='message',
            broken='the member has lost its role', act='lost_role',
            points='roles of the owner'),
    _tenant('message-pipeline-missing', link='workflow',
            broken='Zaqar tells no subscriber of messages',
            before=(_settings('zaqar/zaqar.conf', 'zaqar', (
                r'^message_pipeline = .*$', '')),),
            points='message_pipeline'),
    _tenant('trust-lost', link='workflow',
            broken='the trust of the subscription is deleted',
            act='lost_trust', points='trust of the subscription'),
    _tenant('trigger-missing', link='workflow', healing=False,
            broken='nothing listens to the queue', points='MistralTrigger',
            works=_works('stack', 'application')),
    _tenant('triggered-workflow-missing', link='workflow',
            broken='the workflow of the trigger is deleted',
            act='missing_workflow', points='there is no .*heal_instance'),
    _tenant('heat-actions-missing', link='workflow',
            broken="Mistral has no actions of Heat",
            before=(_settings('mistral/mistral.conf', 'mistral', (
                r'\Z', '\n[legacy_action_provider]\n'
                'load_action_generators = false\n')),),
            points='heat'),
    _tenant('listener-stopped-guest-killed', link='event_alarm',
            broken='aodh-listener does not run, and a guest dies',
            feature='guest_killed',
            before=(breakages.StoppedProgram('aodh-listener'),),
            # Nova looks for what its guests are like from time to time.
            deadlines={'event_alarm': 30}, points='^aodh-listener'),
    _tenant('zaqar-unavailable', kind='HEALED',
            broken='nothing: Zaqar answers 503 for 10 s in the middle',
            act='unavailable_zaqar'),
    _tenant('event-duplicated', kind='HEALED',
            broken='nothing: Nova notifies twice of the same server',
            act='duplicated_event'),
)


def find(name):
    """Return the case of a name."""
    return next(entry for entry in CASES if entry.name == name)
