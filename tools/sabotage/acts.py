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

"""The acts of sabotage around a drill: a context manager for each.

Each takes the running test, :class:`.scenario.SabotageTest`.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

from oslo_utils import uuidutils

from self_healing_tempest_plugin import stacks
from tools.lab import errors
from tools.lab import labs
from tools.sabotage import answering
from tools.sabotage import breakages
from tools.sabotage import meddling
from tools.sabotage import questions
from tools import waiting

#: Ports of Heat and Zaqar on the controller, and one that is free.
HEAT_PORT, ZAQAR_PORT, FREE_PORT = 8004, 8888, 18004
#: Seconds that Mistral is away, apart from those that it takes to start.
MISTRAL_AWAY = 15
#: Seconds that an API is away.
AWAY = 10
#: The guest's init, in place of the one that starts the application.
SLEEPS_FOR_EVER = 'rdinit=/bin/sleep -- 100000'
SLEEPS_FIRST = 'rdinit=/bin/sh -- -c "sleep 12; exec /init"'
#: The guest's init, with one before it that has the application's port, and
#: answers one byte a second, or that the answer is to be had elsewhere. The
#: kernel takes what is between the quotes as one word; there are no others.
#: Without /dev/null the shell begins nothing in the background.
TAKES_PORT = """rdinit=/bin/sh -- -c "mount -t devtmpfs dev /dev; \
nc -ll -p %d -e sh -c '%s' & exec /init\""""
DRIPS = (r'printf HTTP/1.1\\040200\\040OK\\r\\nContent-Length:\\0401000000'
         r'\\r\\n\\r\\n; while sleep 1; do printf x; done')
REDIRECTS = (r'read -r m t v; while read -r l; do [ ${#l} -gt 1 ] || break; '
             r'done; printf HTTP/1.1\\040302\\040Found\\r\\nLocation:\\040'
             r'http://127.0.0.1:%d%%s\\r\\nContent-Length:\\0400\\r\\n'
             r'Connection:\\040close\\r\\n\\r\\n $t')
#: Seconds from the fault to the interruption of the run.
INTERRUPTED_AFTER = 3
#: Seconds of the update in which no host takes the new server.
NO_ROOM = 15
#: Seconds that Vitrage may take to delete a template.
RULE_GOES = 60
#: How often the storm starts the workflow.
STORM = 3


def stale_alarm(run):
    """Have an alarm active on the host, while it is well."""
    return run.broken(breakages.RaisedAlert(
        run.settings.host_alarm.name, run.app.host))


def decoy(run):
    """Have a server on another host that the deduction can hit."""
    wanted = run.settings.application
    return run.broken(breakages.AddedServer(
        'sabotage-decoy', run.other_host, wanted.image, wanted.flavor))


def missing_workflow(run):
    """Delete the workflow; Heat does not mind when it deletes the stack."""
    run.ask_as_owner(
        'workflowv2', '/workflows/%s' % run.app.workflow, 'DELETE')
    return contextlib.nullcontext()


def rule_of_last_deleted(run):
    """Delete the healing rule of the last of several applications."""
    rule, = stacks.physical_ids(
        run.around.owner.heat.resources(run.apps[-1].stack.identifier),
        'OS::Vitrage::Template')
    run.around.clients.vitrage.delete_template(rule)
    waiting.until(lambda: run.around.clients.vitrage.template(rule),
                  'the end of the rule', RULE_GOES, accept=lambda template: (
                      template is None or template['status'] == 'DELETED'))
    return contextlib.nullcontext()


def failing_workflow(run):
    """Let the workflow fail at its first task."""
    return _rewritten(run, 'std.fail')


def idle_workflow(run):
    """Let the workflow succeed without doing anything."""
    return _rewritten(run, 'std.noop')


def _rewritten(run, action):
    definition = {'version': '2.0', run.app.workflow: {
        'type': 'direct', 'input': ['stack_id', 'server_id'],
        'tasks': {'work': {'action': action}}}}
    run.lab.cloud.ask('workflowv2', '/workflows', 'PUT',
                      data=json.dumps(definition),
                      headers={'Content-Type': 'text/plain'})
    return contextlib.nullcontext()


def stopped_engine(run):
    """Stop heat-engine when the fault is there: it is asked before."""
    return _broken_by_then(run, breakages.StoppedProgram('heat-engine'))


def no_room(run):
    """Disable the other host when the fault is there, not before."""
    return _broken_by_then(run, breakages.DisabledHost(run.other_host))


def _broken_by_then(run, breakage):
    """Break something when the fault is there, until the end."""
    return meddling.when(
        run, meddling.fault('injected'),
        lambda undo: undo.enter_context(run.broken(breakage)))


@contextlib.contextmanager
def room_later(run):
    """Disable the other host until Heat has tried in vain to get a server."""
    def disable(_):
        disabled.enter_context(
            run.broken(breakages.DisabledHost(run.other_host)))

    with contextlib.ExitStack() as disabled, meddling.when(
            run, meddling.fault('injected'), disable), meddling.after(
            run, meddling.link('stack', 'started'), NO_ROOM, disabled):
        yield


def dead_application(run):
    """Let the next guest boot without its application."""
    return _booting(run, SLEEPS_FOR_EVER)


def dripping_application(run):
    """Let the next guest answer one byte a second."""
    return _booting(run, TAKES_PORT % (run.settings.application.port, DRIPS))


@contextlib.contextmanager
def redirecting_application(run):
    """Let the next guest send everybody to a server that answers rightly."""
    with answering.answers(run.current_server_id) as port, _booting(
            run, TAKES_PORT % (run.settings.application.port,
                               REDIRECTS % port)):
        yield


def _booting(run, words):
    image = run.settings.application.image
    shown = run.lab.cloud.ask('image', '/v2/images/%s' % image)
    before = shown['os_command_line']
    return run.broken(breakages.ChangedImage(
        image, before, '%s %s' % (before, words)))


@contextlib.contextmanager
def healed_by_hand(run):
    """Replace the server by hand, as soon as the host is dead.

    However slow the hand is: no workflow is started before that.
    """
    def heal(_):
        ask, stack = run.lab.cloud.ask, run.app.stack.identifier
        ask('compute', '/servers/%s/action' % run.app.server_id, 'POST',
            json={'os-resetState': {'state': 'error'}})
        ask('orchestration', '/stacks/%s/resources/server' % stack, 'PATCH',
            json={'mark_unhealthy': True,
                  'resource_status_reason': 'by hand'})
        ask('orchestration', '/stacks/%s' % stack, 'PATCH',
            json={'parameters': {}})
        held.close()

    with contextlib.ExitStack() as held:
        held.enter_context(run.broken(
            breakages.FrozenProgram('vitrage-notifier')))
        with meddling.when(run, meddling.fault('injected'), heal):
            yield


@contextlib.contextmanager
def evacuated(run):
    """Have Nova move the server to another host, as it is.

    Vitrage calls the host up again when its alarm ends, once, and Nova
    refuses: the evacuation is not over before the host is back.
    """
    service = '/os-services/%s' % questions.compute_service(
        run.lab, run.app.host)

    def evacuate(_):
        # Nova refuses until the host's nova-compute is down.
        _insist(run.lab, 'compute', '/servers/%s/action'
                % run.app.server_id, 'POST', json={'evacuate': {}})

    def call_up(_):
        _insist(run.lab, 'compute', service, 'PUT',
                json={'forced_down': False})

    with meddling.when(run, meddling.fault('witnessed'), evacuate), \
            meddling.when(run, meddling.fault('reverted'), call_up):
        yield


def _insist(lab, *question, **options):
    """Ask a service until it does not refuse."""
    def ask():
        with contextlib.suppress(errors.LabError):
            lab.cloud.ask(*question, **options)
            return True

    labs.wait(ask, 'no refusal of %s' % ' '.join(question), interval=1)


def two_updates(run):
    """Update the stack by hand at once, which changes nothing."""
    return meddling.when(
        run, meddling.fault('injected'), lambda _: run.lab.cloud.ask(
            'orchestration', '/stacks/%s' % run.app.stack.identifier,
            'PATCH', json={'parameters': {}}))


def interrupted(run):
    """Interrupt the run, as somebody does who has seen enough."""
    def interrupt(_):
        waiting.pause(INTERRUPTED_AFTER)
        os.kill(os.getpid(), signal.SIGINT)

    return meddling.when(run, meddling.fault('injected'), interrupt)


@contextlib.contextmanager
def flapping_alarm(run):
    """Raise the host's alarm and end it; what it leads to comes later.

    What Vitrage has deduced from it is handed on when the fault is there.
    """
    name = run.settings.deduced_alarm_name

    def active():
        return questions.alarms(run.lab, name)

    with contextlib.ExitStack() as broken:
        broken.enter_context(run.broken(
            breakages.FrozenProgram('vitrage-notifier')))
        with run.broken(breakages.RaisedAlert(
                run.settings.host_alarm.name, run.app.host)):
            labs.wait(active, 'alarm %s' % name)
        labs.wait(lambda: not active(), 'no alarm %s' % name)
        # Where the fault is refused for it, so much the better.
        with contextlib.suppress(meddling.NothingDone), meddling.after(
                run, meddling.fault('injected'), 0, broken):
            yield


@contextlib.contextmanager
def slow(run):
    """Make every link slow; the alarm is, by its rule."""
    def freeze(_):
        with run.broken(breakages.FrozenProgram('heat-engine')):
            waiting.pause(8)

    deduced = meddling.link('deduction')
    with contextlib.ExitStack() as broken:
        for breakage in (
                _booting(run, SLEEPS_FIRST),
                meddling.throttled(run, 'vitrage-graph', deduced, 0.2, 1),
                meddling.frozen(run, 'vitrage-notifier', deduced, 5),
                meddling.when(run, meddling.link('workflow', 'started'),
                              freeze)):
            broken.enter_context(breakage)
        yield


def unavailable_heat(run):
    """Let Heat's API answer 503 for some time while it updates the stack."""
    return _unavailable(run, HEAT_PORT, meddling.link('stack', 'started'))


def unavailable_zaqar(run):
    """Let Zaqar answer 503 for some time, once it has started the workflow."""
    return _unavailable(run, ZAQAR_PORT, meddling.link('workflow', 'started'))


def _unavailable(run, port, moment):
    def act(_):
        with _refusing(run) as process:
            redirected = breakages.RedirectedPort(port, FREE_PORT)
            with run.broken(redirected):
                waiting.pause(AWAY)
            refused = int(process.communicate()[0])
        if not refused:
            raise meddling.NothingDone('nobody asked meanwhile')

    return meddling.when(run, moment, act)


def _refusing(run):
    program = pathlib.Path(__file__).with_name('refusing.py')
    process = subprocess.Popen(
        run.lab.enter(labs.CONTROLLER, 'python3', str(program),
                      str(FREE_PORT)), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def restarted_mistral(run):
    """Have Mistral away for some time, as soon as the workflow has begun."""
    def restart(_):
        with run.broken(breakages.StoppedProgram('mistral')):
            waiting.pause(MISTRAL_AWAY)

    return meddling.when(run, meddling.link('workflow', 'started'), restart)


def storm(run):
    """Start the workflow for the same server again and again."""
    def start(_):
        for _ in range(STORM):
            run.lab.cloud.ask('workflowv2', '/executions', 'POST', json={
                'workflow_name': run.app.workflow,
                'input': json.dumps({'stack_id': run.app.stack.id,
                                     'server_id': run.app.server_id})})

    return meddling.when(run, meddling.link('stack', 'started'), start)


@contextlib.contextmanager
def two_guests(run):
    """Send the frames of the address to the new host, then to the old one.

    Left alone, the switch follows whichever host was heard last, and as long
    as that is the old one, the new server is never seen.
    """
    mac, led = questions.mac(run.lab, run.app.url), contextlib.ExitStack()

    def lead(_):
        led.enter_context(run.broken(breakages.MisledSwitch(
            mac, run.other_host)))

    def mislead(undo):
        led.close()
        undo.enter_context(run.broken(breakages.MisledSwitch(
            mac, run.app.host)))

    with led, meddling.when(
            run, meddling.link('stack', 'started'), lead), meddling.when(
            run, meddling.link('application'), mislead):
        yield


def fired_before(run):
    """Have the event alarms fired once, and never again."""
    for alarm in _event_alarms(run):
        path = '/v2/alarms/%s' % alarm['alarm_id']
        run.ask_as_owner('alarming', path, 'PUT',
                         json=dict(alarm, repeat_actions=False))
        run.ask_as_owner('alarming', '%s/state' % path, 'PUT', json='alarm')
    return contextlib.nullcontext()


def _event_alarms(run):
    return [alarm for alarm in run.ask_as_owner('alarming', '/v2/alarms')
            if alarm['alarm_id'] in run.app.resources.values()]


def stopped_zaqar(run):
    """Stop Zaqar when the fault is there: it is asked before."""
    return _broken_by_then(run, breakages.StoppedProgram('zaqar'))


def lost_trust(run):
    """Delete the trust of the subscription that starts the workflow."""
    answer = run.ask_as_owner(
        'messaging', '/v2/queues/%s/subscriptions'
        % run.app.resources['alarm_queue'],
        headers={'Client-ID': uuidutils.generate_uuid()})
    for subscription in answer['subscriptions']:
        _distrust(run, subscription['options']['trust_id'])
    return contextlib.nullcontext()


def lost_alarm_trusts(run):
    """Delete the trusts by which Aodh puts messages into the queue."""
    aodh, = run.lab.cloud.ask('identity', '/users?name=aodh')['users']
    trusts = run.lab.cloud.ask(
        'identity', '/OS-TRUST/trusts?trustor_user_id=%s'
        % run.owner_credentials().user_id)['trusts']
    for trust in trusts:
        if trust['trustee_user_id'] == aodh['id']:
            _distrust(run, trust['id'])
    return contextlib.nullcontext()


def _distrust(run, trust):
    run.ask_as_owner('identity', '/OS-TRUST/trusts/%s' % trust, 'DELETE')


def lost_role(run):
    """Take from the owner the role that the trusts hand on."""
    owner = run.owner_credentials()
    return run.broken(breakages.LostRole(
        owner.project_id, owner.user_id, 'member', 'reader'))


def duplicated_event(run):
    """Have Nova notify of the server once more, when an alarm has fired."""
    def again(_):
        for state in ('active', 'error'):
            run.lab.cloud.ask(
                'compute', '/servers/%s/action' % run.app.server_id, 'POST',
                json={'os-resetState': {'state': state}})

    return meddling.when(run, meddling.link('event_alarm'), again)
