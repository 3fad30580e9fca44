"""How the Dialogues screen goes from step to step by itself."""

from textual.events import Key
from textual.timer import Timer

from workbench.app.frame import WorkbenchScreen
from workbench.app.state.dialogues.dialogues import SPEEDS, Replay


class Playing(WorkbenchScreen):
    """The part of the Dialogues screen that plays.

    Fields:
        replay: what is shown.
    """

    replay: Replay

    def __init__(self) -> None:
        super().__init__()
        self._speed = SPEEDS.index(1.0)
        self._playing: Timer | None = None

    def go_to(self, step: int) -> None:
        """Go to a step and stay there."""
        raise NotImplementedError

    @property
    def pace(self) -> str:
        """Say how fast it plays, after what stands before it; empty while it does not."""
        return f" · playing {SPEEDS[self._speed]:g} s" if self._playing else ""

    def on_key(self, event: Key) -> None:
        """Stop playing on any key but the one that starts it."""
        if self._playing and event.key not in ("a", "plus", "minus"):
            self.stop_playing()

    def action_play(self) -> None:
        """Go on by itself, a step at a time, or stop; from the beginning where the end is reached."""
        if self._playing:
            self.stop_playing()
            return
        if self.replay.step == self.replay.last:
            self.go_to(0)
        self._playing = self.set_interval(SPEEDS[self._speed], self._tick)
        self.refresh_headline()

    def stop_playing(self) -> None:
        """Stay at the step of now."""
        if self._playing:
            self._playing.stop()
            self._playing = None
            self.refresh_headline()

    def action_speed(self, by: int) -> None:
        """Play faster (-1) or slower (1)."""
        self._speed = min(max(0, self._speed + by), len(SPEEDS) - 1)
        self.notify(f"{SPEEDS[self._speed]:g} s a step", timeout=2)
        if self._playing:
            self.stop_playing()
            self.action_play()

    def _tick(self) -> None:
        self.go_to(self.replay.step + 1)
        if self.replay.step == self.replay.last:
            self.stop_playing()
