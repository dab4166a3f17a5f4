"""What of a worst case nobody can count beforehand: pictures and sound, asked or answered; each is an estimate."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from flows.plurals import counted
from flows.targets import EndpointTarget, Target
from flows.workload import Workload

_SPOKEN_PER_TOKEN: Final = 12  # of sound for a token of a text that is read aloud: 0.3 s at 20 to 40 a second


def unlimited_tokens(api: str, prompt_tokens: float) -> int:
    """The most tokens of an answer that no field of a request limits: a picture, speech, what was heard; else 0.

    Args:
        api: the wire format.
        prompt_tokens: of the request at most.
    """
    from probes.capability.promises import promise

    most = promise(api).answer_tokens or 0
    match api:
        case "openai-speech":
            return max(most, math.ceil(prompt_tokens * _SPOKEN_PER_TOKEN))
        case "openai-transcription":  # nobody says as many tokens as sound is counted as
            return max(most, math.ceil(prompt_tokens))
        case _:
            return most


def uncounted(asked: Iterable[tuple[Target, Workload]]) -> Iterator[str]:
    """A sentence on the pictures and sounds that requests bring or ask for; nothing where there are none."""
    pairs = list(asked)
    said = [each for _, load in pairs for each in _attached(load)]
    said += [each for target, _ in pairs for each in _answered(target)]
    if said:
        yield f"estimates in it, since providers count in ways of their own: {'; '.join(dict.fromkeys(said))}"


def _answered(target: Target) -> Iterator[str]:
    from probes.capability.promises import promise

    if isinstance(target, EndpointTarget) and promise(target.api).answer_tokens:
        yield f"answers of {target.api}, as no field of a request limits them"


def _attached(load: Workload) -> Iterator[str]:
    from probes.load.attached import SOUND_TOKENS_PER_S, picture_tokens

    if load.images is not None:
        tokens = picture_tokens(load.images.width_px, load.images.height_px)
        yield f"{counted(load.images.count, 'picture')} a request{_at_most(tokens)}"
    if load.audio_s > 0:
        yield f"{load.audio_s:g} s of sound a request{_at_most(round(load.audio_s * SOUND_TOKENS_PER_S))}"
    if load.prompts_file is not None:
        yield from _of_file(load.prompts_file)


def _of_file(path: Path) -> Iterator[str]:
    from probes.load.attached import image_tokens, sound_tokens
    from probes.load.prompt_file import read_prompts

    prompts, _ = read_prompts(path)
    pictures = [[image for turn in prompt.turns for image in turn.images] for prompt in prompts]
    sounds = [[] if prompt.audio is None else [prompt.audio] for prompt in prompts]
    of = f"of the {counted(len(prompts), 'prompt')} of {path.name}"
    if shown := [image_tokens(image) for some in pictures for image in some]:
        yield f"{counted(len(shown), 'picture')} in {sum(map(bool, pictures))} {of}{_at_most(max(shown))}"
    if heard := [sound_tokens(sound) for some in sounds for sound in some]:
        yield f"{counted(len(heard), 'sound')} in {sum(map(bool, sounds))} {of}{_at_most(max(heard))}"


def _at_most(tokens: int) -> str:
    return f", at most {tokens:,} tokens each"
