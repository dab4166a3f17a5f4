"""What all tests share."""

import os

import pytest
from hypothesis import settings

from tests.once import SHARED

# The same examples each time, and never timed by the clock: a neighbour's load is no fault of ours.
settings.register_profile("ours", deadline=None, derandomize=True)
settings.load_profile("ours")


@pytest.fixture(scope="session", autouse=True)
def one_place_for_all_processes(tmp_path_factory):
    """Where the processes of a test run share what is made once (tests.once), and the load client's self-tests.

    Those are this machine's and take a second and more each; two that are made at once replace each other, whole.
    """
    its_own = tmp_path_factory.getbasetemp()
    place = (its_own.parent if "PYTEST_XDIST_WORKER" in os.environ else its_own) / "shared"
    place.mkdir(exist_ok=True)
    os.environ |= {SHARED: str(place), "MEGATOKEN_SELFTESTS": str(place)}
    yield
    del os.environ[SHARED], os.environ["MEGATOKEN_SELFTESTS"]
