"""Items that scenarios are built from: the posts of a file, or profiles drawn from the dependency graph."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from simulator.build.builder import people
from simulator.build.extracting import Extractor
from simulator.build.making import Made, Maker, Rejection
from simulator.build.posts import BadLine, read_posts, survey
from simulator.build.writing import QueryWriter


class Task(NamedTuple):
    """One item to be decided.

    Fields:
        item: its number in the source. digest: of a post, else None.
        make: asks the model; without asking where the item is rejected already.
    """

    item: int
    digest: str | None
    make: Callable[[], Awaitable[Made]]


class Source(Protocol):
    """Where items come from.

    Fields:
        identity: what decides the items and what is made of them.
        shown: what else explains the build (a file's name and place).
        total: items. private: whether what is asked and replied may not stay.
    """

    identity: Mapping[str, object]
    shown: Mapping[str, object]
    total: int
    private: bool

    def tasks(self, maker: Maker) -> Iterator[Task]:
        """Stream the items in order."""
        ...


class Posts:
    """The posts of a file, a JSON object a line."""

    private = True

    def __init__(self, path: Path, needed: int) -> None:
        """Survey the file. `needed`: attributes that a post has to tell.

        Raises:
            FormatError: the file can't be read.
        """
        self._path, self._needed = path, needed
        found = survey(path)
        self.total = found.lines
        self.identity: Mapping[str, object] = {"posts": found.hash, "presence": needed}
        self.shown: Mapping[str, object] = {"file": path.name, "folder": str(path.absolute().parent)}

    def tasks(self, maker: Maker) -> Iterator[Task]:
        """See `Source.tasks`; a post that stands in the file twice is rejected the second time."""
        extractor = Extractor(maker, self._needed)
        first: dict[str, int] = {}
        for post in read_posts(self._path):
            if isinstance(post, BadLine):
                yield Task(post.line, None, partial(_reject, Rejection("read", post.reason)))
            elif (before := first.setdefault(post.hash, post.line)) != post.line:
                rejection = Rejection("duplicate", f"the same post stands in line {before}")
                yield Task(post.line, post.hash, partial(_reject, rejection))
            else:
                yield Task(post.line, post.hash, partial(extractor.make, post))


class Profiles:
    """Profiles drawn from the dependency graph, for which a model writes the queries."""

    private = False

    def __init__(self, n: int, queries: int, seed: int, missing: float) -> None:
        """Say how many profiles, queries for each, and which; see `simulator.build.builder.people`."""
        self.total, self._queries, self._seed, self._missing = n, queries, seed, missing
        self.identity: Mapping[str, object] = {"profiles": n, "queries": queries, "missing": missing}
        self.shown: Mapping[str, object] = {}

    def tasks(self, maker: Maker) -> Iterator[Task]:
        """See `Source.tasks`."""
        writer = QueryWriter(maker, self._queries)
        for number, person in enumerate(people(self.total, self._seed, missing=self._missing)):
            yield Task(number, None, partial(writer.make, person, number))


async def _reject(rejection: Rejection) -> Made:
    return Made(rejections=(rejection,))
