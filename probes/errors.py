"""The one error of this folder."""


class ProbeError(Exception):
    """Something that touches the world cannot do what was asked: one sentence with the value and the remedy."""
