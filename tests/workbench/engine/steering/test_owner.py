"""Who works on a run, and whether that process is still there."""

import os
import subprocess
import sys
import time

import pytest

from storage.runs import Owner
from workbench.engine.steering import owner
from workbench.engine.steering.owner import is_alive, this_process


@pytest.fixture
def other() -> Owner:
    """Return an owner that lives as long as the test does: the process that started this one."""
    me = this_process()
    parent = os.getppid()
    return Owner(me.host, parent, owner.started(parent) or "")


def test_another_live_process_is_alive_however_old_its_heartbeat(other: Owner) -> None:
    assert is_alive(other, 0.0)


def test_the_same_pid_started_at_another_time_is_another_process(other: Owner) -> None:
    assert not is_alive(other._replace(started=other.started + "0"), time.time())
    assert not is_alive(other._replace(started=""), time.time())


def test_this_process_does_not_stand_in_its_own_way() -> None:
    assert not is_alive(this_process(), time.time())


def test_a_process_that_ended_is_dead_even_before_its_parent_looks() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    claimed = Owner(this_process().host, child.pid, owner.started(child.pid) or "")
    assert is_alive(claimed, time.time())
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is dead now, and a zombie
    assert not is_alive(claimed, time.time())
    child.communicate()
    assert not is_alive(claimed, time.time())


def test_on_another_machine_the_heartbeat_decides(other: Owner) -> None:
    elsewhere = other._replace(host="another machine")
    assert is_alive(elsewhere, time.time())
    assert not is_alive(elsewhere, time.time() - 3600)
