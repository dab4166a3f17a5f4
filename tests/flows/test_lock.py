"""The lock of a machine, among users and in places where it cannot be had."""

import os
import stat

import pytest

from flows.errors import NightError
from flows.lock import host_lock


def test_a_lock_that_one_user_has_made_can_be_used_by_another(tmp_path, monkeypatch):
    path = tmp_path / "lock"
    monkeypatch.setenv("MEGATOKEN_HOST_LOCK", str(path))
    before = os.umask(0o077)
    try:
        with host_lock():
            assert stat.S_IMODE(path.stat().st_mode) == 0o666
    finally:
        os.umask(before)
    with host_lock(wait_s=0), pytest.raises(NightError, match="another run is measuring"), host_lock(wait_s=0):
        pass


@pytest.mark.parametrize("place", [".", "missing/lock"])
def test_a_lock_that_cannot_be_had_is_one_sentence(place, tmp_path, monkeypatch):
    monkeypatch.setenv("MEGATOKEN_HOST_LOCK", str(tmp_path / place))
    with pytest.raises(NightError, match=r"cannot be used.*MEGATOKEN_HOST_LOCK"), host_lock():
        pass
