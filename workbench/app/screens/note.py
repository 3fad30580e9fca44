"""Note and tags on what is open."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from storage.errors import StorageError
from storage.notes import annotations, set_note, set_tags
from workbench.app.frame import Subject, WorkbenchDialog
from workbench.app.keynames import key_name
from workbench.text import plain

if TYPE_CHECKING:
    from storage.sqlite import Database


class NoteDialog(WorkbenchDialog[bool]):
    """Edit a note; it is kept when the dialog closes with ctrl+s, or with enter in the line of tags.

    The result is whether it was kept.

    Args:
        subject: what the note is on.
    """

    BINDINGS = [
        Binding("ctrl+s", "save", "Keep", id="note.save", priority=True),
        Binding("escape", "cancel", "Drop changes", id="note.cancel", priority=True),
    ]

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        with Vertical(classes="dialog", id="note"):
            yield Static(Content.styled(f"Note on {plain(self._subject.label)}", "bold $primary"))
            yield TextArea(id="text", compact=True)
            yield Input(id="tags", placeholder="tags, separated by commas", compact=True)
            keep, drop = key_name(self, "note.save"), key_name(self, "note.cancel")
            yield Static(Content.styled(f"tab to the tags · {keep} keeps · {drop} drops", "$muted"))

    async def on_mount(self) -> None:
        """Fill in what there is."""
        found = await self.workbench.read(lambda db: annotations(db, self._subject.target))
        self.query_one(TextArea).text = plain(found.text, lines=True)
        self.query_one(Input).value = ", ".join(map(plain, found.tags))

    async def on_input_submitted(self) -> None:
        """Keep."""
        await self.action_save()

    async def action_save(self) -> None:
        """Keep note and tags."""
        text, tags = self.query_one(TextArea).text, self.query_one(Input).value.split(",")

        def change(db: "Database") -> None:
            set_note(db, self._subject.target, text)
            set_tags(db, self._subject.target, tags)

        try:
            await self.workbench.write(change)
        except StorageError as error:
            self.workbench.problem(str(error))
        else:
            self.dismiss(True)

    def action_cancel(self) -> None:
        """Leave everything as it was."""
        self.dismiss(False)
