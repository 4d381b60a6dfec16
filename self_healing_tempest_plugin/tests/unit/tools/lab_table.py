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


"""The table of the lab's services, and what is wrong with one.

Ansible would find it out when a lab is brought up, and some of it never. Each
check is a function of a :class:`Table` and returns complaints, one line each.
"""

import collections
import configparser
import json
import re

import jinja2
import jsonschema
import yaml

import tools

CONTROLLER = tools.SOURCE / 'roles' / 'lab_controller'
PLAYBOOKS = tools.SOURCE / 'playbooks' / 'lab'
SHARED = PLAYBOOKS / 'templates'

_TEXT = {'type': 'string', 'minLength': 1}
_COUNT = {'type': 'integer', 'minimum': 1}
_PATH = {'type': 'string', 'pattern': '^/'}
_RIGHTS = {'mode': {'type': 'string', 'pattern': '^0[0-7]{3}$'},
           'owner': _TEXT}


def _object(required, **optional):
    return {'type': 'object', 'properties': {**required, **optional},
            'required': list(required), 'additionalProperties': False}


def _list(item):
    return {'type': 'array', 'items': item, 'minItems': 1}


_ANY_PROGRAM = {
    'needs': _TEXT, 'answers': _PATH, 'user': _TEXT,
    'switch': _TEXT, 'tls': _TEXT,
    'stopasgroup': {'type': 'boolean'},
    'endpoint': _object({'type': _TEXT}, name=_TEXT, path=_PATH)}
_PROGRAM = {'anyOf': [
    _object({'name': _TEXT, 'command': _TEXT}, port=_COUNT, **_ANY_PROGRAM),
    _object({'name': _TEXT, 'wsgi': _TEXT, 'port': _COUNT}, processes=_COUNT,
            threads=_COUNT, environment={'type': 'object'}, **_ANY_PROGRAM)]}
SCHEMA = _list(_object(
    {'name': _TEXT, 'group': _TEXT, 'programs': _list(_PROGRAM)},
    databases=_list(_TEXT), secrets=_list(_TEXT), projects=_list(_TEXT),
    state=_list(_object({'path': _PATH}, **_RIGHTS)),
    settings=_list(_object({'dest': _TEXT}, switch=_TEXT, **_RIGHTS)),
    sync=_TEXT))


class Table:
    """The services, and what the role makes of them.

    :ivar services: entries of the table, or of a broken one
    :ivar switches: whether each is on, by the name of its variable
    """

    def __init__(self, services, templates=None, on=None):
        """Take what is in it.

        :param templates: other ones than those of the role, path to text
        :param on: names of the switches that are on; None: all are
        """
        self.services = services
        self.switches = {name: on is None or name in on
                         for name in switches()}
        self._templates = jinja2.Environment(
            undefined=jinja2.StrictUndefined, trim_blocks=True,
            loader=jinja2.ChoiceLoader([
                jinja2.DictLoader(templates or {}),
                jinja2.FileSystemLoader([CONTROLLER / 'templates', SHARED])]))
        self._templates.filters['subelements'] = (
            lambda items, key, skip_missing: [
                (item, one) for item in items for one in item.get(key, ())])
        self._templates.filters['to_nice_json'] = json.dumps
        self._templates.filters['bool'] = bool

    @property
    def programs(self):
        """Return all programs, each with the name of its service."""
        return [{'service': service['name'], **program}
                for service in self.services
                for program in service['programs'] if self.on(program)]

    def on(self, entry):
        """Return whether a program or a file is there."""
        return self.switches.get(entry.get('switch'), True)

    @property
    def ports(self):
        """Return port by program."""
        return {program['name']: program['port']
                for program in self.programs if 'port' in program}

    @property
    def secrets(self):
        """Return the names of all passwords and keys."""
        return {name for service in self.services
                for name in service.get('secrets', ())} | {
                    service['name'] for service in self.services
                    if 'projects' in service}

    def files(self, *endings):
        """Yield the services with the paths of their settings."""
        for service in self.services:
            for file in service.get('settings', ()):
                if file['dest'].endswith(endings) and self.on(file):
                    yield service, file['dest']

    def rendered(self, path):
        """Return a file as the role writes it.

        :raises jinja2.TemplateError: when it cannot be written
        """
        return self._templates.get_template('%s.j2' % path).render(
            yaml.safe_load((CONTROLLER / 'defaults/main.yml').read_text()),
            ansible_managed='Ansible managed', lab_region='RegionOne',
            lab_controller_address='10.77.0.2',
            lab_controller_ports=self.ports,
            lab_controller_bus_api_port=_variables('derived.yml')[
                'lab_controller_bus_api_port'],
            lab_controller_services=self.services,
            lab_controller_programs=self.programs,
            lab_alertmanager_url='http://10.77.0.2:9093', **self.switches,
            lab_cloud={'auth_url': 'http://10.77.0.2:5000/v3'},
            lab_computes=[{'name': 'compute-1', 'address': '10.77.0.11'}],
            lab_secrets={name: 'secret of %s' % name
                         for name in self.secrets})


def ours():
    """Return the entries of the lab's own table."""
    return _variables('services.yml')['lab_controller_services']


def switches():
    """Return the names of the settings of the lab that are on or off."""
    # What becomes root is no part of what is built.
    return {name for name, value in yaml.safe_load(
        (PLAYBOOKS / 'group_vars' / 'all.yaml').read_text()).items()
        if isinstance(value, bool)} - {'lab_become'}


def _variables(name):
    return yaml.safe_load((CONTROLLER / 'vars' / 'main' / name).read_text())


def misshapen(table):
    """Ansible passes over a key that nobody reads."""
    return ['%s: %s' % ('/'.join(map(str, error.absolute_path)),
                        error.message)
            for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(
                table.services)]


def repeated(table):
    """Of two that are the same, one is lost, or fails."""
    endpoints = [{'name': program['service'], **program['endpoint']}
                 for program in table.programs if 'endpoint' in program]
    found = {
        'service': [service['name'] for service in table.services],
        'database': [name for service in table.services
                     for name in service.get('databases', ())],
        'file': [path for _, path in table.files('')],
        'program': [program['name'] for program in table.programs],
        'port': list(table.ports.values()),
        'name in the catalog': [point['name'] for point in endpoints],
        'type in the catalog': [point['type'] for point in endpoints]}
    return ['%s %s: there are %d' % (kind, name, count)
            for kind, names in found.items()
            for name, count in collections.Counter(names).items() if count > 1]


def unknown_groups(table):
    """Nobody would start what is in another one."""
    known = _variables('derived.yml')['lab_controller_priorities']
    return ['%s: there is no group %s' % (service['name'], service['group'])
            for service in table.services if service['group'] not in known]


def unknown_switches(table):
    """What nobody can switch on is never there."""
    entries = [(program['name'], program[key]) for service in table.services
               for program in service['programs']
               for key in ('switch', 'tls') if key in program]
    entries += [(file['dest'], file['switch']) for service in table.services
                for file in service.get('settings', ()) if 'switch' in file]
    return ['%s: there is no switch %s' % pair for pair in entries
            if pair[1] not in table.switches]


def missing_ports(table):
    """What is waited for, asked or in the catalog listens somewhere."""
    awaited = [(program['name'], program['needs'])
               for program in table.programs if 'needs' in program]
    asked = [(program['name'], program['name']) for program in table.programs
             if {'answers', 'endpoint'} & program.keys()]
    return ['%s: %s has no port' % pair for pair in awaited + asked
            if pair[1] not in table.ports]


def unnamed_templates(table):
    """A template that no entry names is not written."""
    named = {file['dest'] for service in table.services
             for file in service.get('settings', ())}
    named.update(re.findall(
        r"'(?:dest|src)': '([^'%]+?)(?:\.j2)?'",
        (CONTROLLER / 'vars/main/derived.yml').read_text()))
    templates = CONTROLLER / 'templates'
    return ['%s: no entry names it' % path for path in sorted(
        str(path.relative_to(templates).with_suffix(''))
        for path in templates.rglob('*.j2')) if path not in named]


def unwritable(table):
    """A template is missing, or asks for what the table does not have."""
    found = []
    for _, path in table.files(''):
        try:
            table.rendered(path)
        except jinja2.TemplateError as error:
            found.append('%s: %s' % (path, error))
    return found


def _read_options(text):
    configparser.RawConfigParser(strict=True).read_string(text)


_READERS = {'.conf': _read_options, '.ini': _read_options,
            '.yaml': yaml.safe_load, '.yml': yaml.safe_load}


def unreadable(table):
    """Of a section or an option that is there twice, one counts."""
    found = []
    for service, path in table.files(*_READERS):
        # What is no program of OpenStack's may have a form of its own.
        if service['group'] != 'infrastructure':
            try:
                _READERS[path[path.rindex('.'):]](table.rendered(path))
            except (configparser.Error, yaml.YAMLError) as error:
                found.append('%s: %s' % (path, error))
    return found


def missing_databases(table):
    """A service that has none is not started with one."""
    return ['%s: there is no database %s' % (path, name)
            for service, path in table.files('')
            for name in re.findall(r'^\w*connection = mysql.*/(\w+)\?',
                                   table.rendered(path), re.MULTILINE)
            if name not in service.get('databases', ())]


CHECKS = (misshapen, repeated, unknown_groups, unknown_switches,
          missing_ports, unnamed_templates, unwritable, unreadable,
          missing_databases)


def complaints(table):
    """Return what is wrong with a table: what the first check says."""
    return next(filter(None, (check(table) for check in CHECKS)), [])
