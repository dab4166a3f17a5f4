"""What all tests share."""

import os

import pytest
from hypothesis import settings

# The same examples each time, and never timed by the clock: a neighbour's load is no fault of ours.
settings.register_profile("ours", deadline=None, derandomize=True)
settings.load_profile("ours")


@pytest.fixture(scope="session", autouse=True)
def one_place_for_self_tests(tmp_path_factory):
    """The load client's self-tests are this machine's: one place for the data folders of all tests."""
    os.environ["MEGATOKEN_SELFTESTS"] = str(tmp_path_factory.mktemp("selftests"))
    yield
    del os.environ["MEGATOKEN_SELFTESTS"]
