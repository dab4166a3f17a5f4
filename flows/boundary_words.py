"""What an energy covers and what it leaves out, in a sentence: nobody should take two meters for a machine."""

from collections.abc import Sequence

PARTS = {"cpu": "processors", "ram": "memory", "gpu": "cards"}
# Boavizta's rest of a server: 33 % of processors and memory, 20 to 60 %.
LEFT_OUT = (
    "boards, disks, fans, network and the losses of power supplies are not metered (in a server 20 to 60 % of"
    " processors and memory, says Boavizta); a wall meter in [[site.meters]] has them"
)


def boundary_words(components: Sequence[str]) -> str | None:
    """What the energy of some components is of, and what is not in it; None where nothing was metered here.

    Args:
        components: those that the total adds up: cpu, ram, gpu; machine, which stands for all; endpoint.
    """
    if "machine" in components:
        return "of the whole machine"
    parts = [words for component, words in PARTS.items() if component in components]
    if not parts:
        return None
    *others, last = parts
    return f"of {', '.join(others)}{' and ' if others else ''}{last}, whoever used them; {LEFT_OUT}"
