"""What a new user reads once: what this is about, and the few keys that lead to all others."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.app.keynames import key_name
from workbench.app.look import status_content

_NOTICE = (
    "The scenarios here are about people in difficult situations: illness, debt, violence, loss, thoughts of giving "
    "up. Those that come with the workbench are invented. If one is close to your own life, you need not read it "
    "alone: talk to somebody you trust, or to a help line in your country."
)
_STEPS = (
    ("Scenarios", "pick one; {plan} plans what is worth asking about it"),
    ("Search", "watch the search tree grow; step back and forth"),
    ("Dialogues", "replay what was asked and replied; take over yourself"),
    ("Scores", "compare arms, models, judges, with intervals; rate blind"),
    ("Runs", "what runs and what has run; runs go on without this app"),
    ("Workers", "language models here, and other ways to reach one"),
)


class Tour(ModalScreen[None]):
    """The first-run notice; any of its keys closes it."""

    BINDINGS = [Binding("enter,escape,space,q,ctrl+c", "dismiss", "Begin", id="tour.dismiss", show=False)]

    def compose(self) -> ComposeResult:
        """Yield the notice and the way through the screens."""

        def key(name: str) -> str:
            return key_name(self, f"app.{name}")

        with VerticalScroll(classes="dialog", id="tour") as page:
            # On the border, so that they are seen where the rest has to scroll.
            page.border_title, page.border_subtitle = "Personal safety workbench", "enter begins"
            yield Static("What is safe for one person to hear can harm another. Here you find out what to ask first.")
            yield Static(
                Content.styled("A word before you begin. ", "bold $accent") + Content(_NOTICE), classes="notice"
            )
            lines = []
            plan = key_name(self, "scenarios.plan")
            for name, what in _STEPS:
                lines.append(
                    Content.styled(f" {key(name.lower())} ", "bold reverse $primary")
                    + Content.styled(f" {name:<10} ", "bold")
                    + Content.styled(what.format(plan=plan), "$muted")
                )
            yield Static(Content("\n").join(lines))
            yield Static(
                status_content("surrogate")
                + Content(
                    " marks what comes from the offline simulation: calibrated to published levels, it is no "
                    "measurement of any language model."
                )
            )
            yield Static(
                Content(f"{key('help')} shows every key, {key('palette')} finds anything, ")
                + Content.styled(f"{key('blur')} blurs the texts", "bold")
                + Content(f", {key('theme')} changes the theme, {key('back')} goes back.")
            )

    async def action_dismiss(self, result: None = None) -> None:
        """Begin."""
        self.dismiss(result)

    def on_click(self) -> None:
        """Begin."""
        self.dismiss(None)
