"""Lists of the scores screen."""

from dataclasses import replace
from typing import ClassVar, cast

from textual.binding import Binding, BindingType

from workbench.app.widgets.linelist import LineList


class ScoreList(LineList, inherit_bindings=False):
    """A list whose letters belong to the screen: `j` takes the next judge there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding, key=binding.key.partition(",")[0]) for binding in cast("list[Binding]", LineList.BINDINGS)
    ]
