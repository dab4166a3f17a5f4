"""A small tokenizer for tools that insist on one: byte-level BPE in which each common English word is one token.

Both servers answer in such words, so what a tool counts for itself is what was sent. It is written down, not trained:
each word is merged from its left end on. All words of one to three letters are tokens too, so that a prompt of random
tokens, which some tools make, nearly always reads back as the tokens that it was made of.
"""

import json
from itertools import product
from pathlib import Path
from string import ascii_lowercase

from probes.endpoint.answer import WORDS

_MORE_WORDS = (
    "not he his but at are this have from or had an they which one you were all her she there would their we him been"
    " has when who will no more if out so up said what its about than into them can only other time new"
)
_END = "<|endoftext|>"
_TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "


def write_tokenizer(folder: Path) -> Path:
    """Write the files that Hugging Face's libraries read; returns the folder."""
    letters = _byte_letters()
    short = ("".join(each) for length in (1, 2, 3) for each in product(ascii_lowercase, repeat=length))
    words = [f" {word}" for word in (*short, *_MORE_WORDS.split())] + [word.decode() for word in WORDS]
    vocabulary = {_END: 0}
    for letter in letters.values():
        vocabulary[letter] = len(vocabulary)
    merges: list[list[str]] = []
    for word in words:
        spelt = [letters[byte] for byte in word.encode()]
        for n in range(1, len(spelt)):
            merged = "".join(spelt[: n + 1])
            if merged not in vocabulary:
                merges.append(["".join(spelt[:n]), spelt[n]])
                vocabulary[merged] = len(vocabulary)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                **{"id": 0, "content": _END, "special": True},
                **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
            }
        ],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            **{"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None},
            **{"end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False},
            **{"vocab": vocabulary, "merges": merges},
        },
    }
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": _TEMPLATE,
        "model_max_length": 32768,
        **dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), _END),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _byte_letters() -> dict[int, str]:
    """The printable letter that byte-level BPE writes for each byte: itself, or one from U+0100 on."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    return {byte: chr(byte) for byte in own} | {byte: chr(0x100 + n) for n, byte in enumerate(others)}
