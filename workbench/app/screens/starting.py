"""What the Scenarios screen starts: searches, runs, and whatever adds scenarios."""

from collections import Counter

from textual import work

from storage.errors import NotFoundError, StorageError
from storage.scenariopages import ids_of
from workbench.app.frame import WorkbenchScreen
from workbench.app.launching import claimed_run, finished
from workbench.app.screens.pick import Pick
from workbench.app.state.links import Link
from workbench.app.state.scenarios.scenarios import ScenarioList
from workbench.text import counted

_SIZES = (70, 700, 14_000)
"""Synthetic scenarios to choose from; the last is the size of PENGUIN."""


class Starting(WorkbenchScreen):
    """The part of the Scenarios screen that starts processes.

    Fields:
        state: the list, and which scenarios are chosen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = ScenarioList()

    @work(group="launch", exit_on_error=False)
    async def action_plan(self) -> None:
        """Search for what is worth asking in the chosen scenarios, and watch the first of these searches."""
        from storage.readers import find_unit

        if not (keys := self.state.wanted()):
            return
        ids = [scenario for scenario, _ in await self.workbench.read(lambda db: ids_of(db, keys))]
        if not (run := await self._launch(["plan", *ids], f"planning {counted(len(ids), 'scenario')}")):
            return
        try:
            unit = await self.workbench.read(lambda db: find_unit(db, run, ids[0], kind="search"))
        except NotFoundError as error:
            self.workbench.problem(str(error))
        else:
            self.workbench.follow_link(Link("search", str(unit["id"])))

    @work(group="launch", exit_on_error=False)
    async def action_run(self) -> None:
        """Fill in the run form for the chosen scenarios, and start the run."""
        from workbench.app.screens.runform import RunForm

        if not (keys := self.state.wanted()):
            return
        about = await self.workbench.read(lambda db: ids_of(db, keys))
        masks = Counter(mask for _, mask in about)
        arguments = await self.app.push_screen_wait(RunForm([scenario for scenario, _ in about], masks))
        if arguments is not None and (
            run := await self._launch(arguments, f"a run of {counted(len(about), 'scenario')} starts")
        ):
            self.workbench.follow_link(Link("run", run))

    @work(group="launch", exit_on_error=False)
    async def action_bundled(self) -> None:
        """Add the scenarios that come with the workbench."""
        await self._add(["scenarios", "import", "--bundled"], "adding the bundled scenarios")

    @work(group="launch", exit_on_error=False)
    async def action_build(self) -> None:
        """Build synthetic scenarios."""
        sizes = [f"{size:>6,} synthetic scenarios" for size in _SIZES]
        place = await self.app.push_screen_wait(Pick("How many are to be built?", sizes))
        if place is not None:
            await self._add(["scenarios", "build", "--synthetic", str(_SIZES[place])], f"building {_SIZES[place]:,}")

    async def _launch(self, arguments: list[str], saying: str) -> str | None:
        """Launch a process that makes a run; return its run, or None after telling what went wrong."""
        try:
            launched = await self.workbench.launch(arguments)
            self.notify(saying, timeout=3)
            return await claimed_run(self.workbench, launched)
        except (OSError, StorageError) as error:
            self.workbench.problem(str(error))
            return None

    async def _add(self, arguments: list[str], saying: str) -> None:
        try:
            launched = await self.workbench.launch(arguments)
            self.notify(saying, timeout=3)
            await finished(self.workbench, launched)
        except OSError as error:
            self.workbench.problem(str(error))
