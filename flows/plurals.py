"""Numbers of things, as sentences say them."""


def counted(number: int, noun: str) -> str:
    """`1 search`, `2,000 requests`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('ch') else 's'}"
