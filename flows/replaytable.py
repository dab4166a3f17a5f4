"""A failed attempt and its repetition on a terminal: what was sent, what came back, and both outcomes side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final

from flows.shownbody import content_type, printable, readable
from probes.load.errors import sanitise
from warehouse.exchanges import FailedAttempt, KeptExchange
from warehouse.rows import ExchangeRow

if TYPE_CHECKING:
    from probes.load.again import SentAgain

_S: Final = 1_000_000_000
_END_CHARS: Final = 1500
_FIRST_CHARS: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one sending ended. Times are seconds from the send; what never came is None."""

    error_class: str | None
    error_message: str | None
    http_status: int | None
    first_byte_s: float | None
    first_token_s: float | None
    last_token_s: float | None
    end_s: float | None
    finish_reason: str | None
    output_tokens: int | None
    response_bytes: int | None
    first_text: str


def outcome_of(kept: KeptExchange) -> Outcome:
    """As it landed."""
    exchange, at = kept.exchange, kept.times_ns
    return Outcome(
        error_class=exchange.error_class,
        error_message=exchange.error_message or exchange.usage_fault,
        http_status=exchange.http_status,
        first_byte_s=_since(at["t_start_ns"], at["t_byte_ns"]),
        first_token_s=_since(at["t_start_ns"], at["t_first_ns"]),
        last_token_s=_since(at["t_start_ns"], at["t_last_ns"]),
        end_s=_since(at["t_start_ns"], at["t_end_ns"]),
        finish_reason=kept.finish_reason,
        output_tokens=kept.output_tokens,
        response_bytes=exchange.response_bytes,
        first_text=_first(exchange.response_body, content_type(exchange.response_head)),
    )


def replayed_outcome(again: "SentAgain") -> Outcome:
    """As it was seen just now."""
    record = again.record
    return Outcome(
        error_class=record.error_class,
        error_message=record.error_message or record.usage_fault,
        http_status=record.http_status,
        first_byte_s=_since(record.t_start_ns, record.t_byte_ns),
        first_token_s=_since(record.t_start_ns, record.t_first_ns),
        last_token_s=_since(record.t_start_ns, record.t_last_ns),
        end_s=_since(record.t_start_ns, record.t_end_ns),
        finish_reason=record.finish_reason,
        output_tokens=record.output_tokens,
        response_bytes=record.response_bytes,
        first_text=_first(again.raw.body, again.raw.headers.get("content-type", "").partition(";")[0].strip().lower()),
    )


def print_outcomes(kept: KeptExchange, before: Outcome, now: Outcome) -> None:
    """Both, side by side."""
    from rich.table import Table
    from rich.text import Text

    from flows.terminal import plain_console

    title = Text(f"{kept.exchange.attempt_id}, sent once more")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("then", overflow="fold")
    table.add_column("now", overflow="fold")
    for name, show in _LINES:
        table.add_row(name, Text(show(before)), Text(show(now)))
    console = plain_console()
    console.print(table)
    same = before.error_class == now.error_class
    verdict = "answered this time" if now.error_class is None else "failed again" + ("" if same else ", in another way")
    console.print(Text(f"{verdict}; this sending is no measured attempt and is not kept"))


def print_exchange(exchange: ExchangeRow) -> None:
    """What was sent and what came back."""
    from rich.text import Text

    from flows.terminal import plain_console

    console = plain_console(soft_wrap=True)
    what = exchange.error_class or "implausible counts"
    at = "" if exchange.started_at is None else f", {exchange.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    console.print(Text(f"{exchange.attempt_id}: {what}{at}", style="bold"))
    said = exchange.error_message or exchange.usage_fault
    if said:
        console.print(Text(said))
    console.print(Text(f"\nSent to {exchange.url}", style="bold"))
    console.print(Text(exchange.request_head))
    console.print(
        Text("\n" + _body(exchange.request_body, exchange.request_head, "not kept: it was too long, or never sent"))
    )
    answer = "No answer" if exchange.http_status is None else f"Answer: HTTP {exchange.http_status}"
    length = "" if exchange.response_bytes is None else f", {exchange.response_bytes:,} bytes"
    console.print(Text(f"\n{answer}{length}", style="bold"))
    if exchange.response_head:
        console.print(Text(printable(exchange.response_head)))
    if exchange.http_status is not None:
        console.print(Text("\n" + _body(exchange.response_body, exchange.response_head, "empty")))


def print_list(found: list[FailedAttempt]) -> None:
    """The latest failures whose exchange is kept."""
    from rich.text import Text

    from flows.terminal import plain_console

    console = plain_console()
    if not found:
        console.print("No failed attempt has landed here.")
        return
    console.print(Text("Latest failures, newest first", style="bold"))
    for each in found:
        what = each.error_class or "implausible counts"
        console.print(Text(each.attempt_id), soft_wrap=True)  # whole, to be copied
        console.print(Text(f"  {what}: {sanitise(each.message or '')}", style="dim"), overflow="ellipsis", no_wrap=True)


def _since(start_ns: int | None, at_ns: int | None) -> float | None:
    return None if start_ns is None or at_ns is None else (at_ns - start_ns) / _S


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} s"


def _first(body: bytes | None, kind: str) -> str:
    text = "" if body is None else readable(body, kind).replace("\n", " ")
    return text if len(text) <= _FIRST_CHARS else f"{text[:_FIRST_CHARS]} ..."


def _body(body: bytes | None, head: str, otherwise: str) -> str:
    """A body, and if it is long its ends."""
    if not body:
        return f"({otherwise})"
    text = readable(body, content_type(head))
    left_out = len(text) - 2 * _END_CHARS
    if left_out > 0:  # the reason of a failure is at the beginning, or at the end
        text = f"{text[:_END_CHARS]}\n(... {left_out:,} characters, see --json ...)\n{text[-_END_CHARS:]}"
    return text


_LINES: Final[tuple[tuple[str, Callable[[Outcome], str]], ...]] = (
    ("class", lambda o: o.error_class or "success"),
    ("HTTP status", lambda o: "-" if o.http_status is None else str(o.http_status)),
    ("message", lambda o: o.error_message or "-"),
    ("first byte", lambda o: _seconds(o.first_byte_s)),
    ("first token", lambda o: _seconds(o.first_token_s)),
    ("last token", lambda o: _seconds(o.last_token_s)),
    ("end", lambda o: _seconds(o.end_s)),
    ("finish reason", lambda o: o.finish_reason or "-"),
    ("output tokens", lambda o: "-" if o.output_tokens is None else str(o.output_tokens)),
    ("answer", lambda o: "-" if o.response_bytes is None else f"{o.response_bytes:,} bytes"),
    ("begins", lambda o: o.first_text or "-"),
)
