"""Telling people of changes after a night: a webhook, a mail, a feed; what cannot be told is said, and tried again.

A failure is a sentence of the night and never its end: the measurements are published by then.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.errors import NightError
from flows.notify_config import Notify
from flows.notify_feed import write_feed
from flows.notify_mail import send_mail
from flows.notify_webhook import post_changes
from flows.told import Told, add_told, told
from warehouse.change_words import since, title
from warehouse.errors import WarehouseError
from warehouse.query import open_published
from warehouse.watch import Change, changes, last_watch

# What is older was there before anybody asked to be told: a shift is found within weeks.
_RECENT = timedelta(days=35)

Deliver = Callable[[Sequence[Told]], None]


def notify(
    data_dir: Path,
    config: Notify,
    *,
    run_id: str,
    environment: Mapping[str, str] = os.environ,
    now: datetime | None = None,
) -> list[str]:
    """Tell what is new in the published snapshot to everybody that the config names.

    Args:
        data_dir: the data folder.
        config: the config's table.
        run_id: the night, named in messages.
        environment: where the address of the webhook and the password are.
        now: UTC instant of the telling; now, if None.

    Returns:
        A sentence for each channel that was told something, or could not be.
    """
    at = datetime.now(UTC) if now is None else now
    try:
        found = _candidates(data_dir, config)
        before = told(data_dir)
    except (WarehouseError, OSError) as error:
        return [f"nobody was told of changes: {error}"]
    said = []
    for channel, deliver in _channels(config, run_id, environment):
        fresh = _fresh(channel, found, before, at)
        if not fresh:
            continue
        try:
            deliver(fresh)
            add_told(data_dir, fresh)
        except (NightError, OSError) as error:
            said.append(f"{channel} was not told of {_number(fresh)}: {_why(error)}; the next night tries again")
        else:
            said.append(f"{channel} was told of {_number(fresh)}")
    return said + (_feed(data_dir, found, before, at) if config.rss else [])


def _feed(data_dir: Path, found: Sequence[Change], before: Sequence[Told], at: datetime) -> list[str]:
    """Written down first, then published: the feed is made of what is written down, each night anew."""
    fresh = _fresh("feed", found, before, at)
    try:
        add_told(data_dir, fresh)
        path = write_feed(data_dir, [*(one for one in before if one.channel == "feed"), *fresh], at)
    except OSError as error:
        return [f"the feed could not be written: {_why(error)}; the next night tries again"]
    return [f"feed {path.name} has {_number(fresh)} more"] if fresh else []


def _channels(config: Notify, run_id: str, environment: Mapping[str, str]) -> Iterator[tuple[str, Deliver]]:
    variable, email = config.webhook_url_env, config.email
    if variable is not None:
        yield "webhook", lambda members: post_changes(variable, environment.get(variable), run_id, members)
    if email is not None:
        password = None if email.password_env is None else environment.get(email.password_env)
        yield "email", lambda members: send_mail(email, password, run_id, members)


def _candidates(data_dir: Path, config: Notify) -> list[Change]:
    with open_published(data_dir) as con:
        seen = last_watch(con)
        if seen is None or seen.newest_on is None:
            return []
        found = changes(con, since=seen.newest_on - _RECENT)
    return [
        change
        for change in reversed(found)
        if change.change_kind in config.about and not (config.only_worse and change.is_better)
    ]


def _fresh(channel: str, found: Sequence[Change], before: Sequence[Told], at: datetime) -> list[Told]:
    known = [one for one in before if one.channel == channel]
    return [
        Told(
            channel=channel,
            told_at=at,
            change_id=change.change_id,
            change_kind=change.change_kind,
            target_id=change.target_id,
            workload_id=change.workload_id,
            metric_id=change.metric_id,
            is_up=change.is_up,
            changed_on=change.changed_on,
            title=title(change),
            text="\n".join((since(change), *(f"that night: {hint}" for hint in change.hints))),
        )
        for change in found
        if not any(one.is_of(change) for one in known)
    ]


def _number(members: Sequence[Told]) -> str:
    return f"{len(members)} change{'s' if len(members) != 1 else ''}"


def _why(error: NightError | OSError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
