"""Who is told of changes, as `[notify]` of a config says it. Secrets are named in it, never held."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from flows.tables import STRICT_KEYS
from flows.targets import PRIVATE_VALUE

_HERE = ("127.0.0.1", "localhost", "::1")


def _variable(value: str) -> str:
    if PRIVATE_VALUE.match(value) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        # The value itself is not repeated: it may be a secret pasted in the wrong place.
        raise ValueError("must be the NAME of an environment variable, such as MEGATOKEN_WEBHOOK_URL, not its value")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", value):
        raise ValueError('must be one e-mail address, such as "night@example.com"')
    return value


Variable = Annotated[str, AfterValidator(_variable)]
Address = Annotated[str, AfterValidator(_address)]


class _Table(BaseModel):
    model_config = STRICT_KEYS | ConfigDict(frozen=True, hide_input_in_errors=True)


class Email(_Table):
    """A mail server that takes messages; `user` and the password go over an encrypted connection only."""

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[Address, Field(alias="from")]
    to: Annotated[list[Address], Field(min_length=1)]
    user: str | None = None
    password_env: Variable | None = None

    @model_validator(mode="after")
    def _logs_in_safely(self) -> Self:
        if (self.user is None) != (self.password_env is None):
            raise ValueError("user and password_env go together; give both, or neither for a server that asks for none")
        if self.user is not None and self.security == "none" and self.host not in _HERE:
            raise ValueError('security = "none" would send the password in the clear; use "starttls" or "tls"')
        return self


class Notify(_Table):
    """Each change is told once, to each of these; nobody is told anything unless a config has this table."""

    webhook_url_env: Variable | None = None  # environment variable that holds the address: it often holds a secret
    email: Email | None = None
    rss: bool = False  # an Atom feed beside the snapshots
    about: Annotated[list[Literal["shift", "night", "price"]], Field(min_length=1)] = ["shift", "price"]
    only_worse: bool = False

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if self.webhook_url_env is None and self.email is None and not self.rss:
            raise ValueError("tells nobody; give webhook_url_env, email or rss = true, or leave [notify] out")
        return self
