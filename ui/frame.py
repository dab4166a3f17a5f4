"""What every page has: its question, the choices that pages share, the age of what is shown, a link to it and a file.

A page is a function that draws into a `Frame`; what can be wrong with a snapshot is said here, once for all pages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from urllib.parse import urlencode

import streamlit as st

from ui import markup, snapshot, words
from ui.choices import url_choice, write_address
from warehouse.errors import WarehouseError

ALL = "all"
MIDDLE = "\N{MIDDLE DOT}"
Percentile = Literal["p50", "p95"]
WINDOWS: Mapping[str, tuple[str, timedelta]] = {
    "24h": ("24 hours", timedelta(hours=24)),
    "72h": ("72 hours", timedelta(hours=72)),
    "7d": ("7 days", timedelta(days=7)),
    "14d": ("14 days", timedelta(days=14)),
    "28d": ("28 days", timedelta(days=28)),
    "90d": ("90 days", timedelta(days=90)),
    "365d": ("a year", timedelta(days=365)),
}
DEFAULT_WINDOW = "28d"  # the nights that rank bands are of
_PERCENTILES: Mapping[str, str] = {"p50": "median", "p95": "p95"}
_BOX_PX, _NARROW_PX = 168, 110  # two boxes stand side by side on a phone


class Nothing(Exception):
    """There is nothing to draw. `title` says what is missing, `sentence` why and what to do, `code` the command."""

    def __init__(self, title: str, sentence: str, *, code: str = "megatoken night") -> None:
        super().__init__(sentence)
        self.title, self.sentence, self.code = title, sentence, code


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the global bar says; None is all models, all regions.

    `window` counts back from the newest measurement, not from now: an old warehouse still has its last nights.
    """

    workload: str
    model: str | None
    region: str | None
    window: timedelta
    window_words: str
    percentile: Percentile

    @property
    def admits_all(self) -> bool:
        """Whether nothing was narrowed, so that targets that were never measured are listed too."""
        return self.model is None and self.region is None

    def admits(self, row: Mapping[str, Any]) -> bool:
        """Whether a row with `model` and `region` is of the chosen ones."""
        return self.model in (None, row["model"]) and self.region in (None, row["region"])


class Frame:
    """A page while it is drawn: `shown` is its snapshot, `now` the time, `dark` its ground, `providers` all of them."""

    def __init__(self, question: str, shown: snapshot.Snapshot, head: Any, bar: Any) -> None:  # noqa: ANN401 - Streamlit's own containers
        self.shown = shown
        self.now = datetime.now(UTC)
        self.dark = st.context.theme.type == "dark"
        self.providers: Sequence[str] = snapshot.providers(shown.path)
        self._question, self._head = question, head
        with bar:
            self._choices = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        self._file: tuple[str, str, str] | None = None
        self._notes = st.container()
        self.beneath("")

    def beneath(self, caption: str) -> None:
        """The line under the question; the age of the snapshot is added."""
        age = f"snapshot of {words.instant(self.shown.published_at)} ({words.age(self.shown.published_at, self.now)})"
        line = f" {MIDDLE} ".join(part for part in (caption, age) if part)
        self._head.html(markup.heading(self._question, level=1, beneath=line))

    def bar(
        self,
        *,
        workload: bool = False,
        model: bool = False,
        window: bool = False,
        percentile: bool = False,
        region: bool = False,
    ) -> Filters:
        """The choices that pages share, those that are asked for; they outlive a visit to another page.

        Models and regions are offered where there are several.

        Raises:
            Nothing: no night has planned anything, so that there is no workload to choose.
        """
        planned = snapshot.planned(self.shown.path)
        workloads = sorted({row["workload_id"] for row in planned})
        if workload and not workloads:
            raise Nothing(
                "Nothing measured yet",
                "The published snapshot holds no night yet: no target was planned under any workload.",
            )
        with self._choices:
            of_workload = self._choice("Workload", "workload", workloads) if workload else ""
            of_model = self._some("Model", "model", planned) if model else None
            of_region = self._some("Region", "region", planned) if region else None
            chosen = DEFAULT_WINDOW
            if window:
                show = {name: said for name, (said, _) in WINDOWS.items()}
                chosen = self._choice("Window", "window", list(WINDOWS), DEFAULT_WINDOW, show, _NARROW_PX)
            of_percentile = "p50"
            if percentile:
                of_percentile = self._choice("Percentile", "percentile", list(_PERCENTILES), "p50", _PERCENTILES, 110)
        said, length = WINDOWS[chosen]
        return Filters(
            workload=of_workload,
            model=of_model,
            region=of_region,
            window=length,
            window_words=said,
            percentile=cast("Percentile", of_percentile),
        )

    def box(
        self,
        label: str,
        name: str,
        options: Sequence[str],
        show: Mapping[str, str] | None = None,
        *,
        default: str | None = None,
        width: int = _BOX_PX,
    ) -> str:
        """A choice of this page alone, in the bar beside the shared ones; the first is the default unless said."""
        with self._choices:
            return self._choice(label, name, options, default or options[0], show, width)

    @property
    def choices(self) -> Any:  # noqa: ANN401 - Streamlit's own container
        """The row of choices, for an entry of a page's own."""
        return self._choices

    def download(self, text: str, name: str, *, help: str = "") -> None:
        """Offer the page's figures as one CSV file."""
        self._file = (text, name, help)

    def end(self) -> None:
        """Close the bar: the file, and a link that restores this view in a browser that was never here."""
        write_address()
        with self._choices:
            if self._file is not None:
                text, name, said = self._file
                st.download_button(
                    "CSV",
                    text,
                    file_name=name,
                    mime="text/csv",
                    icon=":material/download:",
                    disabled=not text,
                    help=said or "The figures of this page in base units",
                    on_click="ignore",
                )
            with st.popover("Link", icon=":material/link:", help="A link to this very view"):
                st.code(permalink(st.context.url, st.query_params.to_dict()), language=None, wrap_lines=True)

    def _choice(
        self,
        label: str,
        name: str,
        options: Sequence[str],
        default: str | None = None,
        show: Mapping[str, str] | None = None,
        width: int = _BOX_PX,
    ) -> str:
        chosen = url_choice(
            label, name, options, show=str if show is None else show.__getitem__, default=default, width=width
        )
        if chosen.note:
            with self._notes:
                st.html(markup.notes([chosen.note]))
        return chosen.value

    def _some(self, label: str, name: str, planned: Sequence[Mapping[str, Any]]) -> str | None:
        known = sorted({row[name] for row in planned if row[name]})
        if len(known) < 2:
            return None
        chosen = self._choice(label, name, [ALL, *known])
        return None if chosen == ALL else chosen


def page(question: str, draw: Callable[[Frame], None]) -> None:
    """Draw a page, or say in one sentence why there is nothing to draw; look again when a new snapshot is there."""
    head, bar = st.empty(), st.container()
    head.html(markup.heading(question, level=1))
    drawn_from = None
    try:
        shown = snapshot.current()
        drawn_from = shown.path
        at = Frame(question, shown, head, bar)
        draw(at)
        at.end()
    except Nothing as nothing:
        st.html(markup.panel(nothing.title, words.sentence(nothing.sentence), code=nothing.code))
    except WarehouseError as error:
        said = str(error)
        command = next((named for named in ("megatoken publish", "megatoken night") if f"`{named}`" in said), "")
        st.html(markup.panel("There is no snapshot to show", words.sentence(said), tone="warn", code=command))
    write_address()  # also of a page that has nothing to show
    snapshot.watch(drawn_from)


def permalink(address: str | None, asked: Mapping[str, str]) -> str:
    """The address of a page with every choice named; relative where the server does not know its own."""
    query = urlencode(asked)
    return f"{address or ''}?{query}" if query else address or "/"
