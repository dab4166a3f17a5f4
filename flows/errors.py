"""What a person did wrong, or what a night cannot go on without: shown as sentences, exit code 2."""


class ConfigError(Exception):
    """One or more mistakes in a config or on the command line, all of them found at once.

    `problems` has one sentence per mistake: where it is, the value, what is allowed, what to do.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NightError(Exception):
    """The machine, not the config, keeps a night from running: a lock held, a disk full."""
