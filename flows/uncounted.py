"""What of a worst case nobody can count beforehand: pictures and sound, drawn or of a file; each is an estimate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flows.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attached:
    """Pictures or sounds of one origin, and the most tokens that one of them is thought to be."""

    what: str
    where: str
    most_tokens: int

    def __str__(self) -> str:
        return f"{self.what} {self.where}, at most {self.most_tokens:,} tokens each"


def uncounted(workloads: Iterable[Workload]) -> Iterator[str]:
    """A sentence on the pictures and sounds that requests bring; nothing where they bring none."""
    found = list(dict.fromkeys(str(each) for load in workloads for each in _attached(load)))
    if found:
        yield f"estimates in it, since providers count in ways of their own: {'; '.join(found)}"


def _attached(load: Workload) -> Iterator[_Attached]:
    from probes.load.attached import SOUND_TOKENS_PER_S, picture_tokens

    if load.images is not None:
        tokens = picture_tokens(load.images.width_px, load.images.height_px)
        yield _Attached(what=_count(load.images.count, "picture"), where="a request", most_tokens=tokens)
    if load.audio_s > 0:
        tokens = round(load.audio_s * SOUND_TOKENS_PER_S)
        yield _Attached(what=f"{load.audio_s:g} s of sound", where="a request", most_tokens=tokens)
    if load.prompts_file is not None:
        yield from _of_file(load)


def _of_file(load: Workload) -> Iterator[_Attached]:
    from probes.load.attached import image_tokens, sound_tokens
    from probes.load.prompt_file import read_prompts

    assert load.prompts_file is not None
    prompts, _ = read_prompts(load.prompts_file)
    pictures = [[image for turn in prompt.turns for image in turn.images] for prompt in prompts]
    sounds = [prompt.audio for prompt in prompts if prompt.audio is not None]
    rows, of = len(prompts), f"of the {_count(len(prompts), 'prompt')} of {load.prompts_file.name}"
    if any(pictures):
        having = sum(map(bool, pictures))
        where = f"in {'all' if having == rows > 1 else having} {of}"
        every = [image for some in pictures for image in some]
        yield _Attached(what=_count(len(every), "picture"), where=where, most_tokens=max(map(image_tokens, every)))
    if sounds:
        where = f"in {'all' if len(sounds) == rows > 1 else len(sounds)} {of}"
        yield _Attached(what=_count(len(sounds), "sound"), where=where, most_tokens=max(map(sound_tokens, sounds)))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
