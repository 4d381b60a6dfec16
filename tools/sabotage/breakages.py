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

"""The breakages of the lab, and how they are undone: as data.

Each can be written to a file before it is done, and can be undone from that
file, by another process, whether it has been done or not.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import re
import shutil
import threading

from tools.lab import errors
from tools.lab import labs
from tools.sabotage import questions
from tools.sabotage import working

#: What BMCs may do instead of what they are told.
BMC = pathlib.Path(__file__).with_name('bmc')
#: Seconds that an alert of our own lasts when nobody ends it.
ALERT = 600
#: Seconds that the monitor's alerts are given to end.
QUIET = 60


@dataclasses.dataclass(frozen=True)
class EditedFile:
    """A file of the monitor says something else.

    :ivar path: below the controller's /etc
    :ivar program: that reads it, or several of its kind
    :ivar edits: pairs of a regular expression and what takes the place of
        all that it finds
    """

    path: str
    program: str
    edits: tuple[tuple[str, str], ...]

    def do(self, lab):
        """Edit the file, and have it read."""
        _edit(lab, self.path, self.edits)
        _reload(lab, self.program)

    def undo(self, lab):
        """Put back what was there."""
        if not _kept(lab, self.path).exists():
            return
        # An alert that begins under one rule ends under the same: or nobody
        # is told that it has ended.
        with contextlib.suppress(errors.LabError):
            labs.wait(lambda: not questions.alerts(lab), 'no alerts', QUIET)
        _put_back(lab, self.path)
        _reload(lab, self.program)
        _kept(lab, self.path).unlink()


def _edit(lab, path, edits):
    """Edit a file of the controller, and keep what it was."""
    file, kept = lab.etc / path, _kept(lab, path)
    text = before = file.read_text()
    for old, new in edits:
        text, count = re.subn(old, new, text, flags=re.MULTILINE)
        if not count:
            raise errors.LabError('%s has no %s' % (file, old))
    if not kept.exists():
        # There with all of it, or not at all: it is what is put back.
        fresh = kept.with_name('%s.new' % kept.name)
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(before)
        fresh.replace(kept)
    file.write_text(text)


def _put_back(lab, path):
    (lab.etc / path).write_text(_kept(lab, path).read_text())


def _kept(lab, path):
    return lab.state / ('sabotaged-%s' % path.replace('/', '-'))


def _reload(lab, kind):
    """Have the programs of the monitor of a kind read their files again.

    :raises LabError: when one does not
    """
    programs = lab.monitor.programs(kind)
    before = {name: lab.monitor.reloaded(name) for name in programs}
    for name in programs:
        lab.control('signal HUP', name)
    for name in programs:
        labs.wait(lambda: lab.monitor.reloaded(name) > before[name],
                  '%s has read its files' % name, 15)


@dataclasses.dataclass(frozen=True)
class EditedSettings:
    """A service of the controller has other settings.

    :ivar path: below the controller's /etc
    :ivar programs: that read it once, when they start
    :ivar edits: see :class:`EditedFile`
    """

    path: str
    programs: tuple[str, ...]
    edits: tuple[tuple[str, str], ...]

    def do(self, lab):
        """Edit the file, and start the programs again."""
        _edit(lab, self.path, self.edits)
        self._restart(lab)

    def undo(self, lab):
        """Put back what was there."""
        if _kept(lab, self.path).exists():
            _put_back(lab, self.path)
            self._restart(lab)
            _kept(lab, self.path).unlink()

    def _restart(self, lab):
        for program in self.programs:
            lab.control('restart', program)
        for program in self.programs:
            working.wait(lab, program)


@dataclasses.dataclass(frozen=True)
class StoppedProgram:
    """A program of one host or several does not run."""

    program: str
    hosts: tuple[str, ...] = ('controller',)

    def do(self, lab):
        """Stop it."""
        for host in self.hosts:
            lab.control('stop', self.program, host)

    def undo(self, lab):
        """Start it, and wait until it works."""
        for host in self.hosts:
            if not lab.runs(self.program, host):
                lab.control('start', self.program, host)
        working.wait(lab, self.program)


@dataclasses.dataclass(frozen=True)
class MeddledBmc:
    """The BMC of a host does not do what it is told.

    :ivar host: name of the host
    :ivar script: name of a file of ``bmc/``, which is in the place of the
        script that switches the power
    """

    host: str
    script: str

    def do(self, lab):
        """Put the script there, and keep the one of before."""
        chassis, kept = self._paths(lab)
        if not kept.exists():
            shutil.copy(chassis, chassis.with_name('chassis.part'))
            chassis.with_name('chassis.part').replace(kept)
        fresh = chassis.with_name('chassis.new')
        shutil.copy(BMC / self.script, fresh)
        fresh.replace(chassis)

    def undo(self, lab):
        """Put back what was there, and forget what the other one has noted."""
        chassis, kept = self._paths(lab)
        if kept.exists():
            kept.replace(chassis)
        for name in ('said', 'tries', 'chassis.part', 'chassis.new'):
            chassis.with_name(name).unlink(missing_ok=True)

    def _paths(self, lab):
        chassis = lab.directory / 'bmc' / self.host / 'chassis'
        return chassis, chassis.with_name('chassis.kept')


@dataclasses.dataclass(frozen=True)
class FrozenProgram:
    """A program of the controller gets no time to run."""

    program: str

    def do(self, lab):
        """Freeze all its processes."""
        lab.signal('STOP', self.program)

    def undo(self, lab):
        """Let them go on."""
        lab.signal('CONT', self.program)


@dataclasses.dataclass(frozen=True)
class DisabledHost:
    """Nova puts no server on a host."""

    host: str

    def do(self, lab):
        """Disable its nova-compute."""
        self._set(lab, 'disabled')

    def undo(self, lab):
        """Enable it."""
        self._set(lab, 'enabled')

    def _set(self, lab, status):
        lab.cloud.ask('compute', '/os-services/%s'
                      % questions.compute_service(lab, self.host), 'PUT',
                      json={'status': status})


@dataclasses.dataclass(frozen=True)
class LostRole:
    """A user of a project has a role no more, and another one in its place.

    :ivar project: its id
    :ivar user: its id
    :ivar role: name of the role that is lost
    :ivar instead: name of the other one
    """

    project: str
    user: str
    role: str
    instead: str

    def do(self, lab):
        """Give the other role, and take the one away."""
        self._set(lab, 'PUT', self.instead)
        self._set(lab, 'DELETE', self.role)

    def undo(self, lab):
        """Give the role back, where the project is still there."""
        projects = lab.cloud.ask('identity', '/projects')['projects']
        if self.project not in {project['id'] for project in projects}:
            return
        self._set(lab, 'PUT', self.role)
        with contextlib.suppress(errors.LabError):
            self._set(lab, 'DELETE', self.instead)

    def _set(self, lab, method, name):
        role, = lab.cloud.ask('identity', '/roles?name=%s' % name)['roles']
        lab.cloud.ask('identity', '/projects/%s/users/%s/roles/%s' % (
            self.project, self.user, role['id']), method)


@dataclasses.dataclass(frozen=True)
class ChangedImage:
    """An image boots in another way from now on.

    :ivar before: the command line of its kernel that is put back
    :ivar command_line: the one that it has until then
    """

    image: str
    before: str
    command_line: str

    def do(self, lab):
        """Change the command line of its kernel."""
        self._set(lab, self.command_line)

    def undo(self, lab):
        """Change it back."""
        self._set(lab, self.before)

    def _set(self, lab, command_line):
        change = {'op': 'replace', 'value': command_line,
                  'path': '/os_command_line'}
        lab.cloud.ask('image', '/v2/images/%s' % self.image, 'PATCH',
                      data=json.dumps([change]), headers={
                          'Content-Type':
                          'application/openstack-images-v2.1-json-patch'})


@dataclasses.dataclass(frozen=True)
class AddedTemplate:
    """Vitrage has a template more.

    :ivar template: what is in it, a dict
    :ivar status: that it comes to have
    """

    template: dict
    status: str

    def do(self, lab):
        """Add it, and wait until it has its status."""
        lab.cloud.ask('rca', '/v1/template/', 'PUT', json={
            'templates': [(None, self.template)], 'template_type': None,
            'params': {}, 'overwrite': False})
        labs.wait(lambda: self._found(lab, self.status),
                  'template %s %s' % (self._name, self.status), 30)

    def undo(self, lab):
        """Delete it, and wait until it is gone."""
        templates = self._found(lab)
        if templates:
            lab.cloud.ask('rca', '/v1/template/', 'DELETE',
                          json={'id': [template['uuid']
                                       for template in templates]})
        labs.wait(lambda: not self._found(lab),
                  'template %s deleted' % self._name)

    @property
    def _name(self):
        return self.template['metadata']['name']

    def _found(self, lab, status=None):
        return [template for template in lab.cloud.ask('rca', '/v1/template/')
                if template['name'] == self._name
                and status in (None, template['status'])]


@dataclasses.dataclass(frozen=True)
class RaisedAlert:
    """Alertmanager has an alert that no rule of Prometheus raises."""

    name: str
    host: str

    def do(self, lab):
        """Raise it, and wait until Vitrage has its alarm."""
        self._post(lab, ALERT)
        labs.wait(lambda: questions.alarms(lab, self.name),
                  'alarm %s' % self.name, 30)

    def undo(self, lab):
        """End it, and wait until Vitrage knows."""
        self._post(lab, 0)
        labs.wait(lambda: not questions.alarms(lab, self.name),
                  'no alarm %s' % self.name)

    def _post(self, lab, seconds):
        end = datetime.datetime.now(datetime.timezone.utc)
        end += datetime.timedelta(seconds=seconds)
        alert = {
            'labels': {'alertname': self.name, 'hostname': self.host,
                       'severity': 'critical'},
            'annotations': {'summary': 'stale', 'description': 'stale'},
            'endsAt': end.isoformat()}
        # Of two, each knows the alerts that it is told itself.
        for program in lab.monitor.programs('alertmanager'):
            lab.monitor.ask(program, '/api/v2/alerts', [alert])


@dataclasses.dataclass(frozen=True)
class AddedServer:
    """A server that belongs to no application is on a host."""

    name: str
    host: str
    image: str
    flavor: str

    def do(self, lab):
        """Make it, and wait until Vitrage knows where it is."""
        made = lab.cloud.ask('compute', '/servers', 'POST', json={'server': {
            'name': self.name, 'imageRef': self.image, 'networks': 'none',
            'flavorRef': self.flavor, 'host': self.host}})['server']['id']
        labs.wait(lambda: self._in_graph(lab, made),
                  "server %s in Vitrage's graph" % made)

    def undo(self, lab):
        """Delete it, and wait until it is gone."""
        for server in self._found(lab):
            lab.cloud.ask('compute', '/servers/%s' % server['id'], 'DELETE')
        labs.wait(lambda: not self._found(lab), 'no server %s' % self.name)

    def _found(self, lab):
        return lab.cloud.ask('compute', '/servers?all_tenants=1&name=%s'
                             % self.name)['servers']

    def _in_graph(self, lab, server):
        query = {'or': [
            {'and': [{'==': {'vitrage_type': 'nova.instance'}},
                     {'==': {'id': server}}]},
            {'and': [{'==': {'vitrage_type': 'nova.host'}},
                     {'==': {'id': self.host}}]}]}
        graph = lab.cloud.ask('rca', '/v1/topology/', 'POST', json={
            'graph_type': 'graph', 'all_tenants': 1,
            'query': json.dumps(query)})
        return bool(graph['links'])


@dataclasses.dataclass(frozen=True)
class RedirectedPort:
    """A port of the controller that leads to another port.

    :ivar port: the port that is asked
    :ivar other: the port that answers
    """

    port: int
    other: int

    def do(self, lab):
        """Redirect what comes from outside, and what comes from itself."""
        lab.run(labs.CONTROLLER, 'nft', 'table ip sabotage { '
                'chain outside { type nat hook prerouting priority -100; '
                'tcp dport %(port)d redirect to :%(other)d; }; '
                'chain inside { type nat hook output priority -100; '
                'tcp dport %(port)d redirect to :%(other)d; }; }'
                % dataclasses.asdict(self))

    def undo(self, lab):
        """Redirect nothing."""
        tables = lab.run(labs.CONTROLLER, 'nft', 'list', 'tables')
        if 'table ip sabotage' in tables:
            lab.run(labs.CONTROLLER, 'nft', 'delete', 'table', 'ip',
                    'sabotage')


@dataclasses.dataclass(frozen=True)
class MisledSwitch:
    """The data network's switch sends the frames of a MAC to a host."""

    mac: str
    host: str

    def do(self, lab):
        """Tell the switch where the MAC is."""
        self._tell(lab, 'replace', good=(0,))

    def undo(self, lab):
        """Let the switch learn again."""
        self._tell(lab, 'del', good=(0, 2, 255))

    def _tell(self, lab, verb, good):
        # Sticky: else it moves to where the next frame of the MAC comes from.
        labs.run(['bridge', 'fdb', verb, self.mac, 'dev',
                  questions.switch_port(lab, self.host), 'master', 'static',
                  'sticky'], good)


KINDS = {kind.__name__: kind for kind in (
    EditedFile, EditedSettings, StoppedProgram, FrozenProgram, DisabledHost,
    LostRole, ChangedImage, AddedTemplate, RaisedAlert, AddedServer,
    RedirectedPort, MisledSwitch, MeddledBmc)}


class Notes:
    """The breakages of now, on the disk before they are made."""

    def __init__(self, lab):
        """Take the lab that is broken.

        :param lab: :class:`tools.lab.labs.Lab`
        """
        self._lab = lab
        lab.state.mkdir(mode=0o700, exist_ok=True)
        self._path = lab.state / 'sabotage.json'
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def broken(self, breakage):
        """Break something, and undo it at the end of the ``with``.

        :param breakage: an instance of one of :data:`KINDS`
        """
        note = [type(breakage).__name__, dataclasses.asdict(breakage)]
        with contextlib.ExitStack() as undo:
            self._change(lambda notes: notes.append(note))
            undo.callback(self._undo, note)
            breakage.do(self._lab)
            yield

    def left(self):
        """Return the breakages that are noted, as a list of text."""
        return ['%s %s' % (kind, fields) for kind, fields in self._read()]

    def undo_all(self):
        """Undo what is noted, newest first.

        :returns: what could not be undone, as a list of text
        """
        problems = []
        for note in reversed(self._read()):
            try:
                self._undo(note)
            except errors.LabError as error:
                problems.append(str(error))
        return problems

    def _undo(self, note):
        kind, fields = note
        KINDS[kind](**fields).undo(self._lab)
        self._change(lambda notes: notes.remove(_plain(note)))

    def _change(self, change):
        with self._lock:
            notes = self._read()
            change(notes)
            fresh = self._path.with_suffix('.new')
            with open(fresh, 'w') as stream:
                json.dump(notes, stream)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self._path)

    def _read(self):
        if not self._path.exists():
            return []
        return json.loads(self._path.read_text())


def _plain(note):
    """Return a note as it comes out of a file: tuples are lists there."""
    return json.loads(json.dumps(note))
