"""The set of single events: what is written is what is read, bounded, immutable, pruned by date."""

from datetime import UTC, datetime

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.protocols.base import CHOICE_FLAGS, PAYLOAD_FLAGS, EventClass
from warehouse.errors import WarehouseError
from warehouse.event_file import CHOICE, EVENT_CLASSES, HELD_EVENTS, PAYLOAD, Answer, EventFile, timed_events
from warehouse.events import events_path, land_events, prune_events, read_events

DAY = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
CODE = {name: number for number, name in enumerate(EVENT_CLASSES)}


def answer(seq=0, *, phase="measured", ends=(10, 30, 45), classes=("empty", "text", "done"), reads=((30, 7), (45, 9))):
    return Answer(
        phase=phase,
        seq=seq,
        t_start_ns=0,
        error_class=None,
        streamed_tokens=None,
        event_ends=list(ends),
        event_classes=bytes(CODE[name] for name in classes),
        read_ends=[end for end, _ in reads],
        read_stamps_ns=[stamp for _, stamp in reads],
    )


def landed(data_dir, *answers, trial_id="r.t.w.1", started_at=DAY, host_id="host-1"):
    file = EventFile(data_dir / "events.parquet", trial_id=trial_id, constants={"run_id": "r"})
    file.add(answers, timed_events(answers))
    path = file.close()
    return land_events(data_dir, path, host_id=host_id, trial_id=trial_id, started_at=started_at)


def test_the_classes_here_are_those_that_the_protocols_tell():
    assert tuple(kind.name.lower() for kind in EventClass) == EVENT_CLASSES
    assert [n in CHOICE for n in range(256)] == [bool(flag) for flag in CHOICE_FLAGS]
    assert [n in PAYLOAD for n in range(256)] == [bool(flag) for flag in PAYLOAD_FLAGS]


def test_an_event_has_the_time_of_the_first_read_that_reached_its_end():
    events = timed_events([answer(), answer(reads=((9, 1), (10, 2), (46, 3)))])
    assert events.t_ns.tolist() == [7, 7, 9, 2, 3, 3]
    assert events.read_index.tolist() == [0, 0, 1, 1, 2, 2]
    assert events.coalesced.tolist() == [False, True, False, False, False, True]
    assert events.body_bytes.tolist() == [10, 20, 15, 10, 20, 15]
    assert events.payload.tolist() == [False, True, False] * 2


def test_an_answer_without_events_or_without_reads_is_no_trouble_to_its_neighbours():
    nothing = answer(ends=(), classes=(), reads=())
    comments_only = answer(ends=(), classes=(), reads=((12, 5),))
    events = timed_events([nothing, answer(), comments_only, nothing, answer()])
    assert events.counts.tolist() == [0, 3, 0, 0, 3]
    assert events.t_ns.tolist() == [7, 7, 9] * 2
    assert events.body_bytes.tolist() == [10, 20, 15] * 2
    assert len(timed_events([]).t_ns) == 0


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=4), st.data())
def test_answers_looked_up_together_have_the_times_they_have_alone(sizes, data):
    answers = []
    for n, steps in enumerate(sizes):
        ends = np.cumsum(steps).tolist()
        cuts = sorted({*data.draw(st.sets(st.integers(1, ends[-1]))), ends[-1]})
        reads = [(cut, 1000 * n + cut) for cut in cuts]
        answers.append(answer(n, ends=ends, classes=["text"] * len(ends), reads=reads))
    together = timed_events(answers)
    for name in ("t_ns", "read_index", "body_bytes", "coalesced", "classes"):
        alone = [value for one in answers for value in getattr(timed_events([one]), name).tolist()]
        assert getattr(together, name).tolist() == alone


def test_what_was_landed_is_what_is_read(tmp_path):
    path = landed(tmp_path, answer(0, phase="warmup"), answer(3))
    assert path == tmp_path / "events" / "date=2026-11-22" / "host-1-r.t.w.1.parquet"
    frame = read_events(tmp_path, "r.t.w.1", started_at=DAY)
    rows = frame.select("phase", "seq", "event", "t_ns", "read_index", "class", "body_bytes", "coalesced").rows()
    assert rows == [
        ("warmup", 0, 0, 7, 0, "empty", 10, False),
        ("warmup", 0, 1, 7, 0, "text", 20, True),
        ("warmup", 0, 2, 9, 1, "done", 15, False),
        ("measured", 3, 0, 7, 0, "empty", 10, False),
        ("measured", 3, 1, 7, 0, "text", 20, True),
        ("measured", 3, 2, 9, 1, "done", 15, False),
    ]
    metadata = pl.read_parquet_metadata(path)
    assert (metadata["megatoken.trial_id"], metadata["megatoken.run_id"]) == ("r.t.w.1", "r")
    assert not (tmp_path / "events.parquet").exists()


def test_duckdb_reads_the_whole_set_by_trial_and_day(tmp_path):
    landed(tmp_path, answer(), trial_id="a")
    landed(tmp_path, answer(), answer(1), trial_id="b", started_at=DAY.replace(day=23))
    query = f"SELECT trial_id, date::VARCHAR, count(*) FROM read_parquet('{tmp_path}/events/**') WHERE class = 'text'"
    rows = duckdb.sql(f"{query} GROUP BY ALL ORDER BY ALL").fetchall()
    assert rows == [("a", "2026-11-22", 1), ("b", "2026-11-23", 2)]


def test_a_long_trial_is_written_in_parts_and_is_one_file_in_order(tmp_path):
    per_answer, answers = 4096, 2 * HELD_EVENTS // 4096 + 3
    ends = list(range(10, 10 * per_answer + 1, 10))
    reads = tuple((end, 5 * end) for end in ends)
    file = EventFile(tmp_path / "events.parquet", trial_id="t", constants={})
    for n in range(answers):
        one = [answer(n, ends=ends, classes=["text"] * per_answer, reads=reads)]
        file.add(one, timed_events(one))
    assert len(list(tmp_path.glob("events.parquet.*"))) == 2
    path = file.close()
    assert [p.name for p in tmp_path.iterdir()] == ["events.parquet"]
    frame = pl.read_parquet(path)
    assert frame["seq"].to_list() == np.repeat(np.arange(answers), per_answer).tolist()
    assert frame["t_ns"].sum() == answers * 5 * sum(ends)
    assert pl.read_parquet_metadata(path)["megatoken.trial_id"] == "t"


def test_a_trial_without_events_has_no_file(tmp_path):
    file = EventFile(tmp_path / "events.parquet", trial_id="t", constants={})
    file.add([answer(ends=(), classes=(), reads=())], timed_events([]))
    assert file.close() is None
    assert list(tmp_path.iterdir()) == []


def test_events_that_have_landed_stay_as_they_are(tmp_path):
    first = landed(tmp_path, answer(0))
    before = first.read_bytes()
    assert landed(tmp_path, answer(7)) == first
    assert first.read_bytes() == before
    assert not (tmp_path / "events.parquet").exists()


def test_pruning_takes_only_what_is_older_and_says_so_afterwards(tmp_path):
    days = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (1, 20, 21, 22)]
    for day in days:
        landed(tmp_path, answer(), trial_id=f"t{day.day}", started_at=day)
    (tmp_path / "landing").mkdir()
    assert prune_events(tmp_path, 2, datetime(2026, 11, 23, 1, tzinfo=UTC)) == 2
    left = sorted(path.name for path in (tmp_path / "events").iterdir())
    assert left == ["date=2026-11-21", "date=2026-11-22", "removed_before"]
    assert (tmp_path / "landing").is_dir()
    assert read_events(tmp_path, "t20", started_at=days[1]) == (
        "the events of t20 are gone: those of trials before 2026-11-21 have been removed"
    )
    assert read_events(tmp_path, "t9", started_at=days[3]) == "no events of t9 were recorded"
    assert len(read_events(tmp_path, "t21", started_at=days[2])) == 3
    assert prune_events(tmp_path, 2, datetime(2026, 11, 23, 1, tzinfo=UTC)) == 0


def test_pruning_where_nothing_ever_landed_does_nothing(tmp_path):
    assert prune_events(tmp_path, 0, DAY) == 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WarehouseError, match="keep_events_days = -1 must be >= 0"):
        prune_events(tmp_path, -1, DAY)


def test_a_trial_whose_name_ends_like_another_is_not_taken_for_it(tmp_path):
    landed(tmp_path, answer(), trial_id="x-t.1")
    assert read_events(tmp_path, "t.1", started_at=DAY) == "no events of t.1 were recorded"


def test_a_damaged_file_is_named(tmp_path):
    path = landed(tmp_path, answer())
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(WarehouseError, match=r"host-1-r\.t\.w\.1\.parquet is damaged"):
        read_events(tmp_path, "r.t.w.1", started_at=DAY)


def test_a_disk_that_refuses_is_a_sentence_and_loses_nothing(tmp_path):
    file = EventFile(tmp_path / "events.parquet", trial_id="t", constants={})
    file.add([answer()], timed_events([answer()]))
    path = file.close()
    (tmp_path / "events").write_text("in the way")
    with pytest.raises(WarehouseError, match="events could not be written to"):
        land_events(tmp_path, path, host_id="h", trial_id="t", started_at=DAY)
    assert path.exists()
    nowhere = EventFile(tmp_path / "gone" / "events.parquet", trial_id="t", constants={})
    nowhere.add([answer()], timed_events([answer()]))
    with pytest.raises(WarehouseError, match="events could not be written to"):
        nowhere.close()


def test_the_day_is_that_of_the_start_in_utc(tmp_path):
    late = datetime.fromisoformat("2026-11-22T23:30:00-05:00")
    path = events_path(tmp_path, host_id="h", trial_id="t", started_at=late)
    assert path.parent.name == "date=2026-11-23"
