"""What workers need in tests: a model's folder, a database, a private place for keys."""

from tests.workbench.workers.conftest import _own_runtime_folder, database, model

__all__ = ["_own_runtime_folder", "database", "model"]
