"""Embedders by name, served ones at an endpoint or by workers in the background."""

from pathlib import Path

import numpy as np
import pytest

from simulator.client.types import Endpoint
from storage.database import open_readonly, open_writable
from tests.fakeserver import FakeServer
from tests.workbench.engine.running import options, work
from workbench.engine.embedding import make_embedder
from workbench.engine.errors import UsageError
from workbench.workers.pool import AttachedWorkers


def test_a_served_model_embeds_the_queries_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        chosen = options(
            synthetic=6, arms=("planner",), rollouts=5, embedder="served:e", base_url=server.url, neighbours=2
        )
        outcome = work(path, chosen)
        assert server.paths["/v1/embeddings"] >= 2
    assert outcome.failed == 0
    db = open_readonly(path)
    assert db.conn.execute("select count(*) from dialogues where json_array_length(neighbours) = 2").fetchone()[0] == 6
    db.conn.close()


def test_vectors_have_unit_length_and_one_direction_a_text(tmp_path: Path) -> None:
    with FakeServer() as server:
        embedder = make_embedder(options(embedder="served:e", base_url=server.url), tmp_path / "none.db")
        vectors = embedder.embed(["one", "two", "one"])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] != vectors[1]).any()


def test_a_worker_in_the_background_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "workbench.db"
    open_writable(path).conn.close()
    with FakeServer(key="drawn") as server:
        worker = Endpoint("e-1", server.url, key="drawn")
        monkeypatch.setattr(AttachedWorkers, "endpoints", lambda self, model: [worker] if model == "e" else [])
        embedder = make_embedder(options(embedder="served:e"), path)
        assert len(embedder.embed(["one"])) == 1


def test_a_server_that_is_not_there_is_said_before_anything_is_planned(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--embedder served:e: served:e at http://127\.0\.0\.1:9/v1"):
        make_embedder(options(embedder="served:e", base_url="http://127.0.0.1:9/v1"), tmp_path / "none.db")


def test_the_default_needs_nobody(tmp_path: Path) -> None:
    assert make_embedder(options(), tmp_path / "none.db").name == "lexical"
