"""Blind rating: a person judges responses one after the other, and nothing says which arm they came from."""

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import Worker

from simulator.world import DIMENSIONS
from storage.errors import StorageError
from storage.judgements import Blind, blind_response, ratable_units, raters
from storage.ratings import Rating, rating_rows, save_rating
from workbench.app.failures import tell_failure
from workbench.app.keynames import key_name
from workbench.app.look import dots, status_content
from workbench.app.state.scores.rating import RatingSession

if TYPE_CHECKING:
    from storage.sqlite import Database
    from workbench.app.app import WorkbenchApp

_ASKS = {
    "risk_sensitivity": "does it see what could go wrong for this person?",
    "emotional_empathy": "does it meet how this person feels?",
    "user_alignment": "does it fit this person and what they need?",
}


class RatingDialog(ModalScreen[None]):
    """Rate the responses of a run. It covers what is behind it: scores there would not be blind.

    Args:
        run: its id. world: where the responses come from; it is no secret.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(value), f"rate({value})", f"Rate {value}", id=f"rating.rate_{value}", show=False)
            for value in range(1, 6)
        ),
        Binding("up,shift+tab", "dimension(-1)", "Dimension before", id="rating.dimension_before", show=False),
        Binding("down,tab", "dimension(1)", "Next dimension", id="rating.next_dimension", show=False),
        Binding("enter", "store", "Store", id="rating.store", show=False),
        Binding("s", "skip", "Skip", id="rating.skip", show=False),
        Binding("left", "back", "Response before", id="rating.back", show=False),
        Binding("c", "comment", "Comment", id="rating.comment", show=False),
        Binding("pageup", "page(-1)", "Scroll up", id="rating.scroll_up", show=False),
        Binding("pagedown,space", "page(1)", "Scroll down", id="rating.scroll_down", show=False),
        Binding("B", "app.blur", "Blur texts", id="rating.blur", show=False),
        Binding("escape,q", "leave", "Leave", id="rating.leave", show=False),
    ]

    def __init__(self, run: str, world: str) -> None:
        super().__init__()
        self.session: RatingSession | None = None
        self._run, self._world = run, world
        self._blind: Blind | None = None

    @property
    def workbench(self) -> "WorkbenchApp":
        """The app, as what it is."""
        return cast("WorkbenchApp", self.app)

    def compose(self) -> ComposeResult:
        """Yield the name to rate under, then what is rated beside the scale."""
        with Vertical(id="rating"):
            yield Static(id="rating-progress", markup=False)
            yield Input(placeholder="your name, or a name you choose; enter begins", id="rating-name", compact=True)
            with Horizontal(id="rating-body"):
                with VerticalScroll(id="rating-text", can_focus=False):
                    yield Static(id="rating-response", markup=False)
                with VerticalScroll(id="rating-person", can_focus=False):
                    yield Static(id="rating-profile", markup=False)
            yield Static(id="rating-scale", markup=False)
            yield Input(placeholder="comment (optional); enter keeps it", id="rating-comment", compact=True)
            yield Static(self._ways(), id="rating-keys", markup=False)

    def _ways(self) -> str:
        ways = "store", "skip", "back", "comment", "leave"
        return " · ".join(["1-5 rate", "↑ ↓ choose", *(f"{key_name(self, f'rating.{way}')} {way}" for way in ways)])

    async def on_mount(self) -> None:
        """Ask for the name; whoever rated last is offered."""
        self.query_one("#rating-comment").display = False
        self.query_one("#rating-body").display = self.query_one("#rating-scale").display = False
        self.query_one("#rating-progress", Static).update(
            "Blind rating: which arm a response came from stays hidden, and the order is shuffled. What is stored "
            "is kept when you leave. Who rates?"
        )
        name = self.query_one("#rating-name", Input)
        name.focus()
        self.watch(self.workbench, "blurred", self._show, init=False)
        known = await self.workbench.read(raters)
        if known and not name.value:
            name.value = known[0]

    @on(Input.Submitted, "#rating-name")
    async def _begin(self, event: Input.Submitted) -> None:
        rater = event.value.strip()
        if not rater:
            self.notify("a name is needed, so that ratings can be told apart", severity="warning")
            return

        def read(db: "Database") -> RatingSession:
            rated = {row["unit"]: _rating(row) for row in rating_rows(db, self._run, rater)}
            units = [found.unit for found in ratable_units(db, self._run)]
            return RatingSession.begin(self._run, rater, units, rated)

        self.session = await self.workbench.read(read)
        if self.session.unit is None:
            self.notify("this run has no response to rate", severity="warning")
            self.dismiss(None)
            return
        event.input.display = False
        self.query_one("#rating-body").display = self.query_one("#rating-scale").display = True
        self.set_focus(None)
        await self._load()

    @on(Input.Submitted, "#rating-comment")
    def _commented(self, event: Input.Submitted) -> None:
        if self.session is not None:
            self.session.comment = event.value
        event.input.display = False
        self.set_focus(None)
        self._show()

    def action_rate(self, value: int) -> None:
        """Give the dimension that has its turn a value."""
        if self._rating_now is not None:
            self._rating_now.rate(value)
            self._show()

    def action_dimension(self, step: int) -> None:
        """Choose a dimension."""
        if self._rating_now is not None:
            self._rating_now.move(step)
            self._show()

    def action_comment(self) -> None:
        """Write a comment."""
        if self._rating_now is not None:
            comment = self.query_one("#rating-comment", Input)
            comment.value, comment.display = self._rating_now.comment, True
            comment.focus()

    @work(exclusive=True, group="rating", exit_on_error=False)
    async def action_store(self) -> None:
        """Store the rating, and go on to the next response."""
        session = self._rating_now
        if session is None:
            return
        try:
            rating = session.rating()
            await self.workbench.write(partial(_save, rating=rating))
        except (ValueError, StorageError) as error:
            self.notify(str(error), severity="warning", markup=False, timeout=4)
            return
        session.stored(rating)
        await self._load()

    @work(exclusive=True, group="rating", exit_on_error=False)
    async def action_skip(self) -> None:
        """Leave this one for later."""
        if self._rating_now is not None:
            self._rating_now.skip()
            await self._load()

    @work(exclusive=True, group="rating", exit_on_error=False)
    async def action_back(self) -> None:
        """Return to the response before, to see or change its rating."""
        if self._rating_now is not None:
            self._rating_now.back()
            await self._load()

    def action_page(self, by: int) -> None:
        """Scroll the response, and what is known of the person beside it."""
        for name in ("#rating-text", "#rating-person"):
            text = self.query_one(name)
            text.scroll_relative(y=by * max(1, text.size.height - 2), animate=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong in the background."""
        tell_failure(self.workbench, event)

    def action_leave(self) -> None:
        """Put the comment away, or leave; what was stored is kept."""
        comment = self.query_one("#rating-comment", Input)
        if comment.display:
            comment.display = False
            self.set_focus(None)
        else:
            self.dismiss(None)

    @property
    def _rating_now(self) -> RatingSession | None:
        """The session, while nothing is being written into a field."""
        return None if isinstance(self.focused, Input) else self.session

    async def _load(self) -> None:
        session = self.session
        if session is not None and session.unit is not None:
            self._blind = await self.workbench.read(partial(blind_response, unit=session.unit))
            self._show()
            for name in ("#rating-text", "#rating-person"):
                self.query_one(name).scroll_home(animate=False)

    def _show(self) -> None:
        session, blind, cover = self.session, self._blind, self.workbench.sensitive
        if session is None or blind is None:
            return
        end = " · everything is rated; ← goes back through it" if session.finished else ""
        already = " · rated before: enter replaces it" if session.unit in session.rated and not session.finished else ""
        who = f"Blind rating by {cover(session.rater)} · run {self._run} · {self._world}"
        self.query_one("#rating-progress", Static).update(Content(f"{who} · {session.progress}{end}{already}"))
        query = Content.styled("Query\n", "$text-muted") + Content(cover(blind.query, lines=True))
        response = Content.styled("\n\nResponse\n", "$text-muted") + Content(cover(blind.text, lines=True))
        self.query_one("#rating-response", Static).update(query + response)
        known = [(name, "unknown" if value is None else cover(value)) for name, value in blind.profile.items()]
        lines = [Content.styled(f"{name}  ", "$text-muted") + Content(value) for name, value in known]
        self.query_one("#rating-profile", Static).update(Content("\n").join(lines))
        self.query_one("#rating-scale", Static).update(self._scale(session))

    def _scale(self, session: RatingSession) -> Content:
        lines = []
        for i, (name, value) in enumerate(zip(DIMENSIONS, session.values, strict=True)):
            here = i == session.dimension
            label = Content.styled(
                f"{'▌' if here else ' '}{name.replace('_', ' '):<18}", "bold $accent" if here else ""
            )
            steps = Content.styled(f" {dots(value)} {value or '–'}  ", "$foreground")
            lines.append(label + steps + Content.styled(_ASKS[name], "$text-muted"))
        if session.complete:
            ready = status_content("ready") + Content(": enter stores it")
            comment = f" · comment: {self.workbench.sensitive(session.comment)}" if session.comment else ""
            lines.append(Content(" ") + ready + Content.styled(comment, "$text-muted"))
        else:
            lines.append(
                Content.styled(" 1 not at all … 5 fully; nothing is stored before all three are rated", "$text-muted")
            )
        return Content("\n").join(lines)


def _save(db: "Database", rating: Rating) -> None:
    save_rating(db, rating)


def _rating(row: dict[str, object]) -> Rating:
    values = [row[name] for name in DIMENSIONS]
    whole = None if None in values else cast("tuple[float, float, float]", tuple(values))
    return Rating(
        cast("int", row["unit"]),
        str(row["rater"]),
        whole,
        cast("float", row["score"]),
        str(row["comment"] or ""),
        str(row["source"]),
    )
