"""What a test run makes once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.once import made_once


def test_who_wants_what_is_being_made_waits_and_gets_it_whole(tmp_path):
    made = []

    def make(folder):
        folder.mkdir()
        made.append(folder)
        (folder / "one").write_text("1")
        (folder / "two").write_text("2")

    def wanted(_):
        return sorted(path.read_text() for path in made_once(f"of-{tmp_path.name}", make).iterdir())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(wanted, range(8))) == [["1", "2"]] * 8
    assert len(made) == 1


def test_what_could_not_be_made_is_made_anew_for_the_next(tmp_path):
    def fail(folder):
        folder.mkdir()
        (folder / "half").touch()
        raise OSError("no space")

    name = f"of-{tmp_path.name}"
    with pytest.raises(OSError, match="no space"):
        made_once(name, fail)
    assert list(made_once(name, lambda folder: folder.mkdir()).iterdir()) == []
