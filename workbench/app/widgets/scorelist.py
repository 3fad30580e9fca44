"""Lists of the scores screen: lines made when they are seen, however many there are."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, cast, overload

from textual.binding import Binding, BindingType

from workbench.app.state.spans import Line
from workbench.app.widgets.linelist import LineList


class MadeLines(Sequence[Line]):
    """So many lines, each made when it is asked for.

    Args:
        count: how many. make: returns a line by its number.
    """

    def __init__(self, count: int, make: Callable[[int], Line]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | Sequence[Line]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(self._count)[index]]
        return self._make(range(self._count)[index])


class ScoreList(LineList, inherit_bindings=False):
    """A list whose letters belong to the screen: `j` takes the next judge there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding, key=binding.key.partition(",")[0]) for binding in cast("list[Binding]", LineList.BINDINGS)
    ]
