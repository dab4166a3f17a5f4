"""The sends of a plan: the same for every target, no longer than the longest that was named, whole conversations."""

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from probes.errors import ProbeError
from probes.load.plan import Plan
from probes.load.spec import LoadSpec
from probes.load.spread import Spread, parse_spread


def plan(**given):
    spec = {"base_url": "http://h", "model": "m", "attempt_prefix": "t", "concurrency": 1, "requests": 12}
    if given.get("arrivals", "closed") != "closed":
        spec["concurrency"] = None
    return Plan(LoadSpec(**{**spec, **given}))


def lengths(made):
    return [(send.prompt_tokens, send.output_tokens) for send in made.sends()]


DRAWN = {
    "prompt_lengths": parse_spread("lognormal:median=90,sigma=0.7,min=20,max=300"),
    "output_lengths": parse_spread("uniform:min=5,max=25"),
}


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "p.jsonl"
    rows = [
        {"prompt": "one " * 30},
        {"messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "answer"},
            {"role": "user", "content": "second " * 100},
        ], "output_tokens": 70},
        {"prompt": "three"},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_lengths_follow_the_seed_and_nothing_else():
    assert lengths(plan(**DRAWN)) == lengths(plan(**DRAWN, model="other", attempt_prefix="x", concurrency=7))
    assert lengths(plan(**DRAWN)) != lengths(plan(**DRAWN, seed=1))
    made = plan(**DRAWN)
    assert lengths(made) == lengths(made)


def test_an_open_loop_draws_the_lengths_of_a_closed_one():
    opened = plan(**DRAWN, arrivals="poisson", rate_rps=50.0)
    assert lengths(opened) == lengths(plan(**DRAWN))
    assert all(send.offset_ns is not None for send in opened.sends())


def test_pairs_of_a_file_stay_together(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,output\n10,1\n200,20\n3000,300\n")
    both = Spread(kind="empirical", file=path)
    drawn = set(lengths(plan(prompt_lengths=both, output_lengths=both, requests=100)))
    assert drawn == {(10, 1), (200, 20), (3000, 300)}


@pytest.mark.parametrize("turns", [1, 4])
@pytest.mark.parametrize("from_file", [True, False])
def test_no_send_is_longer_than_the_longest_that_was_named(prompts, turns, from_file):
    content = {"prompts_file": prompts, "output_lengths": DRAWN["output_lengths"]} if from_file else DRAWN
    made = plan(**content, turns=turns, requests=200)
    most_prompt, most_output = made.most_tokens
    assert max(send.prompt_tokens for send in made.sends()) <= most_prompt
    assert max(send.output_tokens for send in made.sends()) <= most_output


def test_facts_are_those_of_the_sends():
    made = plan(**DRAWN, turns=3)
    assert (made.facts.sends, made.facts.prompt_tokens) == (12, sum(prompt for prompt, _ in lengths(made)))
    endless = plan(**DRAWN, requests=None, duration_s=1.0)
    assert endless.facts.sends is None
    assert len(list(islice(endless.sends(), 50))) == 50


def test_rows_of_a_file_come_in_order_again_and_again_or_shuffled_by_the_seed(prompts):
    assert [send.row for send in plan(prompts_file=prompts, requests=7).sends()] == [0, 1, 2, 0, 1, 2, 0]
    shuffled = {tuple(s.row for s in plan(prompts_file=prompts, prompts_order="shuffled", seed=n, requests=3).sends())
                for n in range(40)}  # fmt: skip
    assert {tuple(sorted(order)) for order in shuffled} == {(0, 1, 2)}
    assert len(shuffled) == 6


def test_a_row_may_say_its_own_output_length(prompts):
    assert [send.output_tokens for send in plan(prompts_file=prompts, output_tokens=9, requests=3).sends()] == [
        9,
        70,
        9,
    ]


def test_conversations_have_their_turns_one_after_another_and_the_last_may_be_cut():
    sends = list(plan(prompt_tokens=50, output_tokens=10, turns=3, requests=8).sends())
    assert [(s.conversation, s.turn) for s in sends] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]
    assert [s.prompt_tokens for s in sends[:3]] == [50, 110, 170]  # all that was said before is said again


def test_a_conversation_of_a_file_has_as_many_turns_as_the_user_speaks(prompts):
    sends = list(plan(prompts_file=prompts, turns=5, requests=8).sends())
    assert [(s.row, s.turn) for s in sends] == [(0, 0), (1, 0), (1, 1), (2, 0), (0, 0), (1, 0), (1, 1), (2, 0)]


@dataclass(frozen=True)
class Mistake:
    given: dict
    sentence: str


@pytest.mark.parametrize(
    "mistake",
    [
        Mistake({"turns": 2, "arrivals": "poisson", "rate_rps": 2.0}, 'turns = 2 needs arrivals = "closed"'),
        Mistake({"think_s": Spread.always(1)}, "think_s is of conversations; set turns = N"),
        Mistake({"history": "recorded"}, 'history = "recorded" is of conversations'),
        Mistake({"nonce": False}, "nonce = false lets caches answer"),
        Mistake({"shared_prefix_share": 1.0}, "must be 0 to below 1"),
        Mistake({"prompts_order": "shuffled"}, "is of a prompts_file"),
        Mistake({"documents": 3}, "go together: how many, and how long each"),
        Mistake({"turns": 2, "audio_s": 1.0}, "leave audio_s out"),
        Mistake({"prompts_file": Path("p.jsonl"), "text": "code"}, 'brings its own prompts; leave text = "code" out'),
        Mistake({"prompt_lengths": Spread(kind="normal", mean=5)}, 'kind = "normal" needs stdev and max'),
    ],
    ids=lambda mistake: mistake.sentence[:40],
)  # fmt: skip
def test_what_would_be_ignored_where_it_stands_is_refused(mistake):
    with pytest.raises(ProbeError) as caught:
        plan(**mistake.given)
    assert mistake.sentence in str(caught.value)
