"""Where the store's repository is, or will be from the first write on."""

from pathlib import Path
from threading import Lock
from typing import Self

from schema_mcp.stores import people
from schema_mcp.stores.commits import Author
from schema_mcp.stores.repository import Repository
from schema_mcp.stores.signing import Form


class Home:
    """A folder that is ours to make a repository in: reading finds it empty until somebody writes."""

    def __init__(self, path: Path, *, bare: bool = False) -> None:
        self.path = path
        self._bare = bare
        self._found: Repository | None = None
        self._finding = Lock()
        self._signing: tuple[Form | None, str] | None = None

    @classmethod
    def of(cls, repository: Repository) -> Self:
        """The home of a repository that is there."""
        home = cls(repository.path)
        home._found = repository
        return home

    def find(self) -> Repository | None:
        """The repository, if anybody has made it by now."""
        if self._found is None and self.path.is_dir():
            with self._finding:
                self._found = self._found or Repository.found(self.path)
                self._tell(self._found)
        return self._found

    def make(self) -> Repository:
        """The repository, made where there is none."""
        with self._finding:
            if self._found is None:
                self._found = Repository.create(self.path, bare=self._bare)
                self._tell(self._found)
            return self._found

    @property
    def user(self) -> Author | None:
        """Who Git says is working here."""
        found = self.find()
        return people.user(found.path if found else self.path)

    def sign(self, form: Form | None, key: str) -> None:
        """Sign commits in this way, None: not at all; without this it is as the user has told Git."""
        self._signing = form, key
        self._tell(self._found)

    def _tell(self, repository: Repository | None) -> None:
        if repository is not None and self._signing is not None:
            repository.sign(*self._signing)
