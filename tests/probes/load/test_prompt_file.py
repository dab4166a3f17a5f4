"""Prompts from files: every form, every mistake with its line, nothing fetched."""

import base64
import json

import pytest

from probes.errors import ProbeError
from probes.load.pictures import draw_image
from probes.load.prompt_file import estimated_tokens, read_prompts
from probes.load.wav import wav_of_tones

PICTURE = draw_image("a", width_px=20, height_px=10)


def lines(path, *rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def said(prompt):
    return [(turn.role, turn.text) for turn in prompt.turns]


def test_texts_messages_and_conversations_are_read(tmp_path):
    path = lines(
        tmp_path / "p.jsonl",
        {"prompt": "hello"},
        "",
        {"messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "why?"}]},
        {
            "conversations": [
                {"from": "human", "value": "a"},
                {"from": "gpt", "value": "b"},
                {"from": "human", "value": "c"},
            ]
        },
    )
    prompts, left_out = read_prompts(path)
    assert left_out == 0
    assert [said(prompt.prompt(-1)) for prompt in prompts] == [
        [("user", "hello")],
        [("system", "be brief"), ("user", "why?")],
        [("user", "a"), ("assistant", "b"), ("user", "c")],
    ]
    assert said(prompts[2].prompt(0)) == [("user", "a")]


def test_sharegpt_is_a_list_whose_talks_may_begin_with_an_answer_or_have_no_question(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(
        "\ufeff"
        + json.dumps(
            [
                {"id": "x", "conversations": [{"from": "gpt", "value": "so"}, {"from": "human", "value": "and?"}]},
                {"id": "y", "conversations": [{"from": "gpt", "value": "alone"}]},
                {"id": "z", "conversations": []},
            ]
        )
    )
    prompts, left_out = read_prompts(path)
    assert ([said(prompt.prompt(-1)) for prompt in prompts], left_out) == ([[("user", "and?")]], 2)


def test_pictures_sound_and_documents_come_with_a_prompt(tmp_path):
    (tmp_path / "a.png").write_bytes(PICTURE.data)
    sound = wav_of_tones(seconds=0.1, seed="a")
    (tmp_path / "a.wav").write_bytes(sound)
    uri = "data:image/png;base64," + base64.b64encode(PICTURE.data).decode()
    path = lines(
        tmp_path / "p.jsonl",
        {"prompt": "look", "images": ["a.png"], "audio": "a.wav", "documents": ["d1", "d2"], "output_tokens": 5},
        {"messages": [{"role": "user", "content": [
            {"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": uri}}]}]},
    )  # fmt: skip
    (first, second), _ = read_prompts(path)
    assert first.prompt(0).turns[0].images == (PICTURE,) == second.prompt(0).turns[0].images
    assert (first.audio, first.documents, first.output_tokens) == (sound, ("d1", "d2"), 5)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ('{"prompt": ', "p.jsonl row 2 is not JSON"),
        ("3", "p.jsonl row 2 is no JSON object"),
        ({"text": "a"}, "row 2 has none of them; it must be an object with"),
        ({"prompt": "a", "messages": []}, "row 2 has messages and prompt"),
        ({"prompt": 3}, "\"prompt\" is '3'; it must be text"),
        ({"messages": "a"}, "\"messages\" is 'a'; it must be a list"),
        ({"messages": [{"role": "user"}]}, 'is no turn; it must have "role" and "content"'),
        ({"messages": [{"role": "wizard", "content": "a"}]}, "\"role\" is 'wizard'; it must be one of"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "a part of type 'video' cannot be sent"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
                ]
            },
            "is no data URI of an image; nothing is fetched",
        ),
        ({"prompt": "a", "output_tokens": 0}, "\"output_tokens\" is '0'; it must be 1 to"),
        ({"prompt": "a", "images": ["gone.png"]}, "row 2: gone.png cannot be read: No such file"),
        ({"prompt": "a", "images": ["p.jsonl"]}, "p.jsonl is no picture"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(tmp_path, row, sentence):
    path = lines(tmp_path / "p.jsonl", {"prompt": "fine"}, row)
    with pytest.raises(ProbeError) as caught:
        read_prompts(path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"), [("", "has no prompt"), ("[{]", "is not JSON"), ('[{"prompt": 1}]', "p.json item 1")]
)
def test_a_file_that_is_none_is_said(tmp_path, text, sentence):
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(ProbeError) as caught:
        read_prompts(path)
    assert sentence in str(caught.value)


def test_an_estimate_is_above_what_any_tokenizer_counts_of_text(tmp_path):
    text = "das Grüne über 日本語 \N{SLIGHTLY SMILING FACE} a b c d e f g"
    [prompt], _ = read_prompts(lines(tmp_path / "p.jsonl", {"prompt": text}))
    assert estimated_tokens(prompt.prompt(0)) >= len(text.split()) + 3
