"""What becomes of work in the background that fails: it is said, and the app goes on."""

from typing import TYPE_CHECKING

from textual.worker import Worker, WorkerState

from storage.errors import StorageError

if TYPE_CHECKING:
    from workbench.app.app import WorkbenchApp


def tell_failure(app: "WorkbenchApp", event: Worker.StateChanged) -> None:
    """Say why a worker with `exit_on_error=False` failed; what the store refuses in a line, else as a defect."""
    error = event.worker.error
    if event.state is not WorkerState.ERROR or error is None:
        return
    if isinstance(error, StorageError):
        app.problem(str(error))
    elif isinstance(error, Exception):
        app.defect(error)
