"""The client held against an endpoint that knows the truth, and when an earlier result will do."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from probes.errors import ProbeError
from probes.load.selftest import cached_self_test, self_test

SHORT = 0.2
VERSION = "1.2.3"


@pytest.mark.parametrize(
    ("load", "streams"),
    [
        ({"streams": 3}, 3),
        ({"streams": 40}, 40),
        ({"streams": 12, "rate_rps": 5.0}, 12),
        ({"streams": None, "rate_rps": 300.0}, 30),
        ({"streams": 40, "processes": 2}, 40),
    ],
    ids=["few", "many", "open loop with its streams", "open loop by its rate", "two processes"],
)
def test_a_client_that_keeps_time_is_found_to(load, streams):
    before = datetime.now(UTC)
    found = self_test(**load, seconds=SHORT)
    assert before <= found.selftest_at <= datetime.now(UTC)
    assert found.selftest_streams == streams
    # Kernel stamps stay right whatever else this machine does; a second is far beyond what a stalled one adds.
    assert 0 < found.selftest_ttft_error_p99_ns < 1_000_000_000
    assert 0 <= found.selftest_tpot_error_p99_ns < 1_000_000_000
    assert 0 < found.selftest_concurrency_share <= 1


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"streams": None}, "needs the streams or the rate"),
        ({"streams": 0}, "streams = 0 must be > 0"),
        ({"streams": None, "rate_rps": -1.0}, "rate_rps = -1.0 must be > 0"),
        ({"streams": 1, "seconds": 0.0}, "seconds = 0.0 must be > 0"),
        ({"streams": 10_000_000}, "file descriptors"),
    ],
)
def test_a_load_that_cannot_be_tested_is_one_sentence(load, said):
    with pytest.raises(ProbeError, match=said):
        self_test(**load)


def kept(folder):
    [file] = (folder / "selftests").iterdir()
    return file


def test_a_result_is_kept_for_loads_up_to_the_next_power_of_two(tmp_path):
    first = cached_self_test(tmp_path, streams=3, version=VERSION, seconds=SHORT)
    assert first.selftest_streams == 4
    assert cached_self_test(tmp_path, streams=4, version=VERSION, seconds=SHORT) == first
    assert set(json.loads(kept(tmp_path).read_text())) == {"boot_id", "version", "seconds", *asdict(first)}
    other = cached_self_test(tmp_path, streams=5, version=VERSION, seconds=SHORT)
    assert other.selftest_streams == 8
    open_loop = cached_self_test(tmp_path, streams=4, rate_rps=30.0, version=VERSION, seconds=SHORT)
    assert open_loop.selftest_at > other.selftest_at
    assert len(list((tmp_path / "selftests").iterdir())) == 3


def of_another_boot(file):
    file.write_text(json.dumps(json.loads(file.read_text()) | {"boot_id": "0"}))


def cut_short(file):
    file.write_text(file.read_text()[:-20])


def with_a_field_too_few(file):
    file.write_text(json.dumps({name: v for name, v in json.loads(file.read_text()).items() if name != "version"}))


@pytest.mark.parametrize("spoil", [of_another_boot, cut_short, with_a_field_too_few])
def test_a_result_that_is_not_ours_to_use_is_measured_again(tmp_path, spoil):
    first = cached_self_test(tmp_path, streams=1, version=VERSION, seconds=SHORT)
    spoil(kept(tmp_path))
    again = cached_self_test(tmp_path, streams=1, version=VERSION, seconds=SHORT)
    assert again.selftest_at > first.selftest_at
    assert cached_self_test(tmp_path, streams=1, version=VERSION, seconds=SHORT) == again


def test_a_result_of_another_version_or_of_yesterday_is_measured_again(tmp_path):
    first = cached_self_test(tmp_path, streams=1, version=VERSION, seconds=SHORT)
    almost = first.selftest_at + timedelta(hours=23, minutes=59)
    assert cached_self_test(tmp_path, streams=1, version=VERSION, seconds=SHORT, now=almost) == first
    for changes in ({"now": first.selftest_at + timedelta(hours=24)}, {"version": "2"}):
        again = cached_self_test(tmp_path, **{"streams": 1, "version": VERSION, "seconds": SHORT} | changes)
        assert again.selftest_at > first.selftest_at
        first = again


def test_a_folder_that_takes_nothing_is_one_sentence(tmp_path):
    (tmp_path / "selftests").write_text("a file stands here")
    with pytest.raises(ProbeError, match="the self-test cannot be kept in"):
        cached_self_test(tmp_path, streams=1, version=VERSION, seconds=SHORT)
