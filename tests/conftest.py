"""What all tests share."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_place_for_self_tests(tmp_path_factory):
    """The load client's self-tests are this machine's: one place for the data folders of all tests."""
    os.environ["MEGATOKEN_SELFTESTS"] = str(tmp_path_factory.mktemp("selftests"))
    yield
    del os.environ["MEGATOKEN_SELFTESTS"]
