"""What `megatoken bench` was told about prompts, as keys of a workload."""

import argparse
import re
from dataclasses import asdict
from typing import Any

from flows.errors import ConfigError
from probes.errors import ProbeError

_DOCUMENT_TOKENS = 100


def prompt_keys(options: argparse.Namespace) -> dict[str, Any]:
    """Keys of a workload and their values; None where nothing was said.

    Raises:
        ConfigError: one sentence per mistake.
    """
    return {
        **_lengths(options, "prompt"),
        **_lengths(options, "output"),
        "text": options.text,
        "prompts_file": options.prompts,
        "prompts_order": "shuffled" if options.shuffle else None,
        "shared_prefix_share": options.shared_prefix,
        "nonce": False if options.no_nonce else None,
        "turns": options.turns,
        "think_s": _spread("--think-s", options.think_s),
        "history": "recorded" if options.recorded_history else None,
        "images": _images(options),
        "documents": options.documents,
        "document_tokens": options.document_tokens or (_DOCUMENT_TOKENS if options.documents else None),
        "audio_s": options.audio_s,
    }


def _lengths(options: argparse.Namespace, what: str) -> dict[str, Any]:
    """A number is the length of all; anything else is drawn from."""
    given = getattr(options, f"{what}_tokens")
    if given is None:
        return {}
    if re.fullmatch(r"[+-]?[0-9]+", given):
        return {f"{what}_tokens": int(given)}
    return {f"{what}_lengths": _spread(f"--{what}-tokens", given)}


def _spread(option: str, given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    from probes.load.spread import parse_spread

    try:
        found = asdict(parse_spread(given))
    except ProbeError as error:
        raise ConfigError([f"{option} {error}"]) from None
    return {key: str(value) if key == "file" else value for key, value in found.items() if value is not None}


def _images(options: argparse.Namespace) -> dict[str, int] | None:
    if options.images is None:
        if options.image_size is not None:
            raise ConfigError(["--image-size is of pictures; say how many with --images N"])
        return None
    size = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", options.image_size or "512x512")
    if size is None:
        raise ConfigError([f"--image-size {options.image_size} must be WIDTHxHEIGHT in pixels, such as 1024x768"])
    return {"count": options.images, "width_px": int(size[1]), "height_px": int(size[2])}
