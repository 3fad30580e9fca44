"""Writing what is seen to a file."""

import asyncio
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from storage.errors import StorageError
from workbench.app.frame import Export, WorkbenchDialog, WorkbenchScreen
from workbench.app.keynames import key_name
from workbench.text import plain


def free_name(folder: Path, name: str, suffix: str) -> Path:
    """Return a path that does not exist yet: the name, made safe for a file, and a number where it is taken."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".-") or "export"
    path = folder / f"{safe[:80]}{suffix}"
    number = 2
    while path.exists():
        path = folder / f"{safe[:80]}-{number}{suffix}"
        number += 1
    return path


class ExportDialog(WorkbenchDialog[Path | None]):
    """Offer a screen's exports and a picture of the whole screen; the result is what was written.

    Args:
        front: the screen beneath.
    """

    BINDINGS = [Binding("escape,q", "cancel", "Close", id="export.cancel", show=False)]

    def __init__(self, front: WorkbenchScreen) -> None:
        super().__init__()
        # The picture is taken now, before this dialog lies over it.
        picture = front.app.export_screenshot(title=f"workbench: {front.NAME}")
        self._exports = [*front.exports(), Export(f"workbench-{front.NAME}-screen", ".svg", lambda: picture)]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog", id="export"):
            yield Static(Content.styled("Write what is seen to", "bold $primary"))
            yield OptionList(
                *(
                    Option(Content(f"{plain(export.name)}{export.suffix}"), id=str(i))
                    for i, export in enumerate(self._exports)
                ),
                compact=True,
            )
            ways = f"enter writes · {key_name(self, 'export.cancel')} closes"
            yield Static(Content.styled(f"into {plain(str(Path.cwd()))} · {ways}", "$muted"))

    @work
    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Write the file; what is there is never overwritten."""
        export = self._exports[event.option_index]
        path = free_name(Path.cwd(), export.name, export.suffix)
        try:
            await asyncio.to_thread(path.write_text, await export.text(), "utf-8")
        except StorageError as error:
            self.workbench.problem(str(error))
            self.dismiss(None)
        except OSError as error:
            self.workbench.problem(
                f"{path}: {error.strerror or error}: start the workbench in a folder that can be written"
            )
            self.dismiss(None)
        else:
            self.dismiss(path)

    def action_cancel(self) -> None:
        """Write nothing."""
        self.dismiss(None)
