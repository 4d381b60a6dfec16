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

"""The git repositories that Zuul reads: ours, and those around it."""

import pathlib
import shutil

import git
import yaml

from tools.zuul import places as where

_AUTHOR = git.Actor('zuul-run', 'zuul-run@localhost')


class Repository:
    """A bare repository that Zuul reads, and a work tree to change it."""

    def __init__(self, directory, name):
        """Take where it is; nothing is made yet.

        :param directory: that holds the repositories, a
            :class:`pathlib.Path`
        :param name: of the project, e.g. ``openstack/heat``
        """
        self.name = name
        self.bare = directory / name
        self.tree = directory.parent / 'trees' / name

    def make(self, branches, files=None, texts=None):
        """Make a repository with one commit.

        :param branches: names; the first one is where :meth:`commit` goes
        :param files: directory whose files it holds, or None
        :param texts: more of them, path to text, or None
        :returns: itself
        """
        repository = git.Repo.init(self.tree, initial_branch=branches[0])
        if files:
            shutil.copytree(files, self.tree, dirs_exist_ok=True)
        self._write(texts or {})
        repository.git.add('--all')
        repository.index.commit('Begin', author=_AUTHOR, committer=_AUTHOR)
        for branch in branches[1:]:
            repository.create_head(branch)
        repository.clone(str(self.bare), bare=True)
        repository.create_remote('origin', str(self.bare))
        return self

    def clone(self, source):
        """Make it from what a checkout has at its HEAD, as master.

        :param source: of the checkout, a :class:`pathlib.Path`
        :returns: itself
        """
        repository = git.Repo.clone_from(
            str(source), str(self.tree), no_local=True)
        repository.git.checkout('-B', 'master', git.Repo(source).head.commit)
        repository.delete_remote('origin')
        git.Repo.init(self.bare, bare=True, initial_branch='master')
        repository.create_remote('origin', str(self.bare)).push(
            'master').raise_if_error()
        return self

    def commit(self, message, changed):
        """Commit files, and publish them.

        :param changed: dict of a path to its text
        """
        repository = git.Repo(self.tree)
        self._write(changed)
        repository.git.add('--all')
        repository.index.commit(message, author=_AUTHOR, committer=_AUTHOR)
        repository.remote('origin').push(
            repository.active_branch.name).raise_if_error()

    def _write(self, texts):
        for path, text in texts.items():
            target = self.tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding='utf-8')


def uncommitted(source):
    """Return whether a checkout has changes that no commit has.

    :param source: of the checkout, a :class:`pathlib.Path`
    """
    return git.Repo(source).is_dirty(untracked_files=True)


def tenant_projects():
    """Return the projects around us, see ``projects.yaml`` of the tenant."""
    return yaml.safe_load(
        (where.TENANT_FILES / 'projects.yaml').read_text('utf-8'))


def make_tenant(directory):
    """Make the repositories of all projects but ours.

    :param directory: :class:`pathlib.Path`
    :returns: name of a project to its :class:`Repository`
    """
    return {
        name: Repository(directory, name).make(branches, _files(name))
        for projects in tenant_projects().values()
        for name, branches in projects.items()}


def _files(name):
    path = pathlib.Path(where.TENANT_FILES, name)
    return path if path.is_dir() else None
