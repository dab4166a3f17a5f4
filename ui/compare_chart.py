"""How soon the attempts of each target had come: one step curve a target, which ends below 1 where attempts failed."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui.charts import bare, ink, inline, log_ticks, provider_colour
from ui.label_places import shortened

_HEIGHT_PX = 330
_LOG_FROM_RATIO = 12.0
_DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3])


def curves_chart(
    curves: Mapping[str, Sequence[Mapping[str, Any]]],
    provider_of: Mapping[str, str],
    providers: Sequence[str],
    title: str,
    *,
    dark: bool = False,
) -> alt.LayerChart | None:
    """Curves of the share of all attempts over time; None if nothing ever came.

    Args:
        curves: of each target, rows of `compare_snapshot.curves` of one metric.
        provider_of: of each target.
        providers: all providers of the snapshot: a colour hangs on the place in it. Targets differ by their dashes too.
        title: of the metric.
        dark: on a dark ground.
    """
    seconds = [row["seconds"] for curve in curves.values() for row in curve if row["seconds"]]
    if not seconds:
        return None
    low, high = 1e3 * min(seconds), 1e3 * max(seconds)
    is_log = high / low > _LOG_FROM_RATIO
    first, last = (low / 1.1, high * 1.1) if is_log else (0.0, high * 1.05)
    inks = ink(dark)
    drawn = [step for target_id, curve in curves.items() for step in _steps(target_id, curve, first, last)]
    names = list(curves)
    scale = alt.Scale(type="log" if is_log else "linear", domain=[first, last], nice=False, zero=False)
    ticks: dict[str, Any] = {"values": log_ticks([{"low": first, "high": last}])} if is_log else {"tickCount": 6}
    x = alt.X(
        "ms:Q",
        scale=scale,
        axis=alt.Axis(
            title=f"{title}, ms (lower is better{', log axis' if is_log else ''})",
            **ticks,
            gridColor=inks["grid"],
            domain=False,
            ticks=False,
            labelOverlap=True,
        ),
    )
    y = alt.Y(
        "share:Q",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(
            title="Of all attempts had come, % (higher is better)", tickCount=5, gridColor=inks["grid"], domain=False,
            ticks=False,
        ),
    )  # fmt: skip
    legend = alt.Legend(
        title=None, orient="top", columns=2, labelLimit=200, symbolSize=400, symbolStrokeWidth=2.5, symbolType="stroke"
    )
    shown = [shortened(name) for name in names]
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(
            domain=shown, range=[provider_colour(provider_of[name], providers, dark=dark) for name in names]
        ),
        legend=legend,
    )
    dash = alt.StrokeDash("name:N", scale=alt.Scale(domain=shown, range=list(_DASHES[: len(names)])), legend=legend)
    line = (
        alt.Chart(inline(drawn))
        .mark_line(interpolate="step-after", strokeWidth=2.5)
        .encode(
            x=x,
            y=y,
            color=colour,
            strokeDash=dash,
            order="step:Q",
            tooltip=[alt.Tooltip(f"{key}:N", title=key) for key in ("target", "said")],
        )
    )
    return bare(alt.LayerChart(layer=[line], height=_HEIGHT_PX), dark=dark)


def _steps(target_id: str, curve: Sequence[Mapping[str, Any]], first: float, last: float) -> list[dict[str, Any]]:
    """From the left edge, over every value, to the right edge: what has not come by then does not come any more."""
    name = shortened(target_id)
    points = [(first, 0.0)]
    points += [
        (1e3 * row["seconds"], 100 * row["came"] / row["all_attempts"]) for row in curve if row["seconds"] is not None
    ]
    points.append((last, points[-1][1]))
    return [
        {
            "target": target_id,
            "name": name,
            "ms": ms,
            "share": share,
            "step": step,
            "said": f"{share:.3g} % by {ms:.4g} ms",
        }
        for step, (ms, share) in enumerate(points)
    ]
