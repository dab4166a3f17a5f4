"""The quick way to read a stream says what the thorough way says, whatever comes."""

import gzip
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.load.alike import sort_texts
from probes.load.protocols.base import EventClass
from probes.load.protocols.openai_chat import _MOLD, read_stream
from probes.load.protocols.openai_events import ChatReader
from probes.load.protocols.reading import read_json_events
from probes.load.raw import read_raw
from probes.load.sse import cut_events

RECORDED = Path(__file__).parents[2] / "recordings" / "h100-trial" / "attempts.spool.gz"
TEXT, REASONING = EventClass.TEXT, EventClass.REASONING


def event(delta, *, finish=None, created=1, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return orjson.dumps({"id": "c", "created": created, "model": "m", "choices": [choice], **more})


def body_of(texts):
    return b"".join(b"data: " + text + b"\n\n" for text in texts)


def thorough(body):
    return read_json_events(cut_events(body), ChatReader())


WORDS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        [
            "word",
            " a",
            "\n",
            '"',
            "\\",
            "\t",
            "\\n",
            '\\"',
            "\x01",
            "\x7f",
            "日本",
            "😀",
            "",
            '"},"finish_reason":"stop"}',
            "data: ",
        ]
    ),
)
EVENTS = st.one_of(
    WORDS.map(lambda word: event({"content": word})),
    WORDS.map(lambda word: event({"content": word}, created=2)),
    WORDS.map(lambda word: event({"reasoning_content": word})),
    WORDS.map(lambda word: event({"role": "assistant", "content": word})),
    WORDS.map(lambda word: event({"content": word, "reasoning": word})),
    WORDS.map(lambda word: event({"content": "x"}, note={"content": word})),
    st.sampled_from(
        [
            event({"role": "assistant", "content": ""}),
            event({}, finish="stop"),
            event({"content": "last"}, finish="length"),
            event({"content": "x"}, usage={"completion_tokens": 3}),
            event({"refusal": "no"}),
            event({"content": "a"}, error={"message": "died"}),
            orjson.dumps({"choices": [], "usage": {"completion_tokens": 9, "prompt_tokens": 2}}),
            orjson.dumps({"choices": [{"delta": {"content": "x"}}, {"delta": {"content": "y"}}]}),
            event({"content": "x"})[:-3],  # torn
            event({"content": "raw"}).replace(b"raw", b"r\taw"),  # a control character is no JSON
            event({"content": "raw"}).replace(b"raw", b"r\xffaw"),  # nor is this UTF-8
            event({"content": "raw"}).replace(b"raw", b"\xe6\x97"),  # half a character
            b"[DONE]",
            b"7",
            b"null",
            b"",
            b"two\ndata: lines",
        ]
    ),
)
# Runs, as streams have them, and disorder between.
STREAMS = st.lists(
    st.one_of(
        EVENTS.map(lambda one: [one]),
        st.lists(WORDS.map(lambda word: event({"content": word})), min_size=10, max_size=40),
        st.lists(st.sampled_from([event({"content": word}) for word in ("a", "bc", "日")]), min_size=10, max_size=40),
        st.lists(st.sampled_from([event({"reasoning": word}) for word in ("a", "bc")]), min_size=10, max_size=40),
    ),
    max_size=6,
).map(lambda runs: [one for run in runs for one in run])


@settings(max_examples=400)
@given(STREAMS)
def test_the_quick_way_and_the_thorough_way_agree(texts):
    body = body_of(texts)
    assert read_stream(body) == thorough(body)


@given(STREAMS, st.data())
def test_they_agree_on_a_body_that_is_cut_or_damaged_anywhere(texts, data):
    body = bytearray(body_of(texts))
    if body:
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
        body = body[: data.draw(st.integers(place, len(body)))]
    assert read_stream(bytes(body)) == thorough(bytes(body))


def unread_of(texts):
    return [texts[n] for n in sort_texts(texts, _MOLD)[1]]


def test_of_a_plain_stream_only_the_events_that_are_not_text_are_parsed():
    role, end = event({"role": "assistant", "content": ""}), event({}, finish="stop")
    words = [event({"content": f"w{n}"}) for n in range(100)]
    assert unread_of([role, *words, end, b"[DONE]"]) == [role, words[0], end, b"[DONE]"]


def test_texts_with_pairs_of_escapes_are_parsed_and_the_others_are_not():
    words = [event({"content": f"日{n}"}) for n in range(100)]
    words[5::10] = [event({"content": "w"}).replace(b'"w"', b'"\\ud83d\\ude00"')] * 10
    words[9::10] = [event({"content": "w"}).replace(b'"w"', b'"\\u003cw\\uD7ff"')] * 10
    assert unread_of(words) == [words[0], *words[5::10]]
    assert read_stream(body_of(words)) == thorough(body_of(words))


def test_line_breaks_and_quotes_fit_a_mold():
    words = [event({"content": '\n\t"\\' if n % 10 == 5 else f"日{n}"}) for n in range(100)]
    assert unread_of(words) == [words[0]]
    assert read_stream(body_of(words)) == thorough(body_of(words))


@pytest.mark.parametrize("ending", [b"\\", b"\\x", b"\\u12", b"\\ud83d", b"\\uDfff", b"\\u00g0", b"\\\n", b'\\"'])
def test_an_escape_reaches_into_no_other_event(ending):
    words = [event({"content": f"w{n}"}) for n in range(40)]
    words[20] = words[20].replace(b"w20", b"w20" + ending)
    assert read_stream(body_of(words)) == thorough(body_of(words))


def test_a_server_that_dates_its_events_needs_a_mold_a_second():
    words = [event({"content": f"w{n}"}, created=n // 25) for n in range(100)]
    assert unread_of(words) == words[::25]


@pytest.mark.parametrize("place", [1, 1023, 1024, 1025, 2047, 2048, 2499])
def test_a_run_of_many_blocks_ends_where_an_event_does_not_fit(place):
    words = [event({"content": f"w{n}"}) for n in range(2500)]
    words[place] = event({}, finish="stop")
    assert unread_of(words) == [words[0], words[place], *words[place + 1 : place + 2]]
    assert read_stream(body_of(words)) == thorough(body_of(words))


def test_a_run_that_ends_in_mid_stream_is_found_without_looking_at_all():
    words = [event({"content": f"w{n}"}, created=n // 700) for n in range(2000)]
    assert unread_of(words) == words[::700]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_lines_of_any_kind_and_what_is_no_event_are_as_the_thorough_way_has_them(line_end):
    words = [event({"content": f"w{n}"}) for n in range(60)]
    named = b"event: piece\n" + body_of(words[:20]).replace(b"\n\n", b"\n\nevent: piece\n")
    odd = b": ping\n\n\n\ndata\n\nid: 1\n: x\ndata:" + words[0] + b"\n\ndata: [1,\ndata: 2]\n\n"
    body = (body_of(words[:30]) + b": ping\n\n" + body_of(words[30:]) + named + odd + b"data: " + words[1]).replace(
        b"\n", line_end
    )
    assert read_stream(body) == thorough(body)
    assert read_stream(body.replace(b"[1,", b"1 ")) == thorough(body.replace(b"[1,", b"1 "))


def test_thought_and_answer_have_a_mold_each():
    texts = [event({"reasoning": f"h{n}"}) for n in range(50)] + [event({"content": f"w{n}"}) for n in range(50)]
    classes, unread = sort_texts(texts, _MOLD)
    assert unread == [0, 50]
    assert list(classes[1:50]) == [REASONING] * 49
    assert list(classes[51:]) == [TEXT] * 49


@pytest.mark.parametrize(
    "text",
    [
        event({}),
        event({"content": ""}),
        event({"content": "a"}, finish="stop"),
        event({"content": "a"}, usage={"completion_tokens": 1}),
        event({"content": "a"}, x_groq={"usage": {"completion_tokens": 1}}),
        event({"content": "a", "refusal": "b"}),
        event({"content": "a"}, note={"content": "a"}),  # which of the two?
        event({"content": [{"type": "text", "text": "a"}]}),
        event({"tool_calls": [{"function": {"arguments": "a"}}]}),
        orjson.dumps({"choices": [{"delta": {"content": "a"}}, {"delta": {"content": "b"}}]}),
        orjson.dumps({"choices": [{"message": {"content": "a"}}]}),
        b"[DONE]",
        b"{",
    ],
)
def test_what_may_say_more_the_next_time_makes_no_mold(text):
    assert _MOLD(text) is None


def test_a_real_servers_stream_fits_its_mold(tmp_path):
    spool = tmp_path / "attempts.spool"
    spool.write_bytes(gzip.decompress(RECORDED.read_bytes()))
    for raw in read_raw(spool):
        assert read_stream(raw.body) == thorough(raw.body)
    texts = cut_events(raw.body).data
    assert len(texts) - len(sort_texts(texts, _MOLD)[1]) > 50
