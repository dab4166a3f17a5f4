"""The front out of a warehouse: who is on it, who may be, who cannot be told, and what the survey saw in 2024."""

from datetime import timedelta
from random import Random

import numpy as np
import pytest

from tests.warehouse.synthetic import Target
from tests.warehouse.test_rank_bands import W, filled, night
from warehouse.errors import WarehouseError
from warehouse.formulas.figure_draws import typical_figures
from warehouse.fronts import front_points
from warehouse.reference.landscape import landscape_2024

BOTH = ("usd_per_output_mtok", "output_tokens_per_s")
PRICE = {"provider": "p", "model": "m"}
TARGETS = (
    Target(id="fast", ttft_s=0.10, tpot_s=0.004, usd_per_mtok=(1.0, 3.0), **PRICE),
    Target(id="cheap", ttft_s=0.30, tpot_s=0.016, usd_per_mtok=(0.1, 0.2), **PRICE),
    Target(id="twin-1", ttft_s=0.30, tpot_s=0.010, usd_per_mtok=(1.0, 2.0), **PRICE),
    Target(id="twin-2", ttft_s=0.30, tpot_s=0.010, usd_per_mtok=(1.0, 2.0), **PRICE),
    Target(id="beaten", ttft_s=0.60, tpot_s=0.030, usd_per_mtok=(2.0, 4.0), **PRICE),
    Target(id="no-price", ttft_s=0.05, tpot_s=0.002, **PRICE),
)
IDS = [target.id for target in TARGETS]


@pytest.fixture(scope="module")
def board():
    random = Random(4)
    con = filled(*(night(random, number, TARGETS) for number in range(4)))
    yield con
    con.close()


def points(con, ids=IDS, metric_ids=BOTH, **others):
    return {one.target_id: one for one in front_points(con, W, ids, metric_ids=metric_ids, any_grade=True, **others)}


def test_the_sure_the_possible_the_beaten_and_the_unknown_are_told_apart(board):
    found = points(board)
    assert {name: one.verdict for name, one in found.items()} == {
        "fast": "on",
        "cheap": "on",
        "twin-1": "may",
        "twin-2": "may",
        "beaten": "dominated",
        "no-price": None,
    }
    assert found["no-price"].reason == "unknown: Cost"
    assert found["no-price"].p_front is None
    assert found["no-price"].figures[0] is None
    assert found["no-price"].figures[1].central > found["fast"].figures[1].central
    assert set(found["beaten"].dominated_by) >= {"twin-1", "twin-2", "fast"}
    assert found["fast"].n_runs == 4
    assert 0.05 < found["twin-1"].p_front < 0.95


def test_an_interval_holds_its_figure_and_grows_where_nights_differ(board):
    for one in points(board).values():
        for figure in one.figures:
            if figure is not None:
                assert figure.low <= figure.central <= figure.high


def test_a_board_without_the_best_has_another_front(board):
    assert points(board, ["beaten", "no-price"])["beaten"].verdict == "on"


def test_a_target_that_no_night_measured_is_listed_with_the_reason(board):
    ghost = points(board, [*IDS, "ghost"])["ghost"]
    assert (ghost.verdict, ghost.figures, ghost.n_runs, ghost.newest_at) == (None, (None, None), 0, None)
    assert ghost.reason.startswith("no night of this window measured it")


def test_one_night_alone_is_sure_only_of_what_its_own_interval_tells_apart(board):
    found = points(board, window=timedelta(hours=1))
    assert found["fast"].n_runs == 1
    assert found["beaten"].verdict == "dominated"
    assert "may" in (found["twin-1"].verdict, found["twin-2"].verdict)
    # a share of failures has no interval within a night
    unsure = points(board, ["fast", "twin-1"], ("usd_per_output_mtok", "failed_share"), window=timedelta(hours=1))
    assert [one.p_front for one in unsure.values()] == [None, None]
    assert {name: one.verdict for name, one in unsure.items()} == {"fast": "dominated", "twin-1": "may"}
    assert unsure["fast"].figures[1].low is None


def test_three_metrics_have_a_front_too_and_an_unknown_one_is_refused(board):
    found = points(board, metric_ids=(*BOTH, "ttft_p50_s"))
    assert len(found["fast"].figures) == 3
    assert found["beaten"].verdict == "dominated"
    with pytest.raises(WarehouseError, match="metric 'beauty' is not known"):
        points(board, metric_ids=("beauty",))


def test_a_night_is_drawn_once_for_all_metrics_and_what_varies_within_one_apart():
    nights = np.random.default_rng(1).lognormal(size=(3, 5))
    unknown = np.full(nights.shape, np.nan)
    ranges = {"within_low": nights / 2, "within_high": nights * 2}
    one, other = (
        typical_figures(figures, direction="lower", within_low=unknown, within_high=unknown, figure_number=number).draws
        for number, figures in enumerate((nights, nights**2), start=1)
    )
    assert other == pytest.approx(one**2)
    one, other = (
        typical_figures(
            nights[:, :1],
            direction="lower",
            **{name: ends[:, :1] for name, ends in ranges.items()},
            figure_number=number,
        ).draws
        for number in (1, 2)
    )
    assert abs(np.corrcoef(np.log(one[0]), np.log(other[0]))[0, 1]) < 0.1


def test_a_run_that_a_metric_lacks_changes_nothing_and_what_a_night_did_to_all_is_in_the_interval_alone():
    known = np.array([[1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 4.0, 8.0]])
    lacking = np.concatenate([known, np.full((2, 1), np.nan)], axis=1)
    found, same = (
        typical_figures(
            figures,
            direction="lower",
            within_low=np.full(figures.shape, np.nan),
            within_high=np.full(figures.shape, np.nan),
        )
        for figures in (known, lacking)
    )
    assert found.figures == pytest.approx([2**1.5, 2**1.5])
    assert same.figures == pytest.approx(found.figures)
    assert same.low.tolist() == found.low.tolist()
    assert found.draws[0] == pytest.approx(found.draws[1])
    # Student's t of four nights, whose log2 has a standard deviation of 1.291: 3.182 x 1.291 / 2 = 2.054
    assert np.log2(found.high / found.figures) == pytest.approx([2.054] * 2, rel=0.05)


@pytest.mark.parametrize("nights", [3, 7])
def test_an_interval_over_nights_holds_the_truth_in_93_to_97_percent_of_cases(nights):
    random = np.random.default_rng(2)
    figures = np.exp(random.normal(scale=0.3, size=(500, nights)))
    unknown = np.full((1, nights), np.nan)
    held = 0
    for row in figures:
        found = typical_figures(row[None], direction="higher", within_low=unknown, within_high=unknown)
        held += found.low[0] <= 1.0 <= found.high[0]
    assert 0.93 <= held / len(figures) <= 0.97


def test_figures_that_cannot_be_drawn_are_refused():
    unknown = np.full((1, 2), np.nan)
    with pytest.raises(ValueError, match="target 0 has no figure"):
        typical_figures(unknown, direction="lower", within_low=unknown, within_high=unknown)
    with pytest.raises(ValueError, match="a figure of 0 has no ratio"):
        typical_figures(np.zeros((1, 2)), direction="lower", within_low=unknown, within_high=unknown)


def test_the_landscape_of_2024_is_what_the_survey_says():
    most, groq = landscape_2024()
    assert (most.least_output_tokens_per_s, most.most_output_tokens_per_s) == (50, 200)
    assert (most.least_usd_per_mtok, most.most_usd_per_mtok) == (0.2, 1.0)
    assert (groq.who, groq.least_output_tokens_per_s, groq.most_output_tokens_per_s) == ("Groq", 400, None)
    assert all(one.tag == "read" and "Dong and Xie 2024" in one.source for one in (most, groq))
