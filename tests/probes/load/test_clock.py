"""The offset between the two clocks."""

from datetime import UTC, datetime

from probes.load.clock import WallClock, sample_offset_ns, utc


class Clocks:
    """Two clocks that tick 30 ns with every reading; the wall clock can be set."""

    def __init__(self, offset_ns):
        self.now_ns = 1_000_000_000
        self.offset_ns = offset_ns

    def monotonic(self):
        self.now_ns += 30
        return self.now_ns

    def wall(self):
        self.now_ns += 30
        return self.now_ns + self.offset_ns


def test_the_offset_is_found_to_the_nanosecond_when_nothing_disturbs():
    clocks = Clocks(offset_ns=123_456_789_012)
    assert sample_offset_ns(clocks.wall, clocks.monotonic) == 123_456_789_012


def test_one_quiet_pair_of_readings_is_enough():
    clocks = Clocks(offset_ns=5_000)
    readings = 0

    def disturbed():
        nonlocal readings
        readings += 1
        if readings != 20:
            clocks.now_ns += 1_000_000  # off the CPU for a millisecond
        return clocks.monotonic()

    assert abs(sample_offset_ns(clocks.wall, disturbed) - 5_000) < 1_000_000


def test_a_clock_that_is_set_is_doubted_until_what_waited_has_been_read_and_then_trusted_again():
    clocks = Clocks(offset_ns=7)
    clock = WallClock(clocks.wall, clocks.monotonic)
    assert clock.look(clocks.monotonic())
    clocks.offset_ns += 3_600_000_000_000
    assert not clock.look(clocks.monotonic())
    assert (clock.offset_ns, clock.step_ns) == (3_600_000_000_007, 3_600_000_000_000)
    clocks.now_ns += 900_000_000
    assert not clock.look(clocks.monotonic())  # a stream on a full core may still hold stamps of before
    clocks.now_ns += 200_000_000
    assert clock.look(clocks.monotonic())
    assert (clock.offset_ns, clock.step_ns) == (3_600_000_000_007, 3_600_000_000_000)


def test_a_clock_set_by_a_tenth_of_a_millisecond_is_noticed():
    clocks = Clocks(offset_ns=0)
    clock = WallClock(clocks.wall, clocks.monotonic)
    clocks.offset_ns -= 100_000
    assert not clock.look(clocks.monotonic())


def test_being_off_the_cpu_is_not_taken_for_a_clock_that_was_set():
    clocks = Clocks(offset_ns=7)
    clock = WallClock(clocks.wall, clocks.monotonic)
    now_ns = clocks.monotonic()
    clocks.now_ns += 40_000_000
    assert clock.look(now_ns)
    assert clock.offset_ns == 7


def test_a_wall_reading_is_a_utc_instant():
    assert utc(1_700_000_000_123_456_789) == datetime(2023, 11, 14, 22, 13, 20, 123_456, UTC)
