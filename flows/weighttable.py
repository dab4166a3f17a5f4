"""What weights of one's own add to each target, how far each can move, and how providers compare, in a terminal."""

from collections.abc import Sequence
from math import exp

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.leaderboard import ranked_by
from warehouse.decision import Board
from warehouse.metrics import metric
from warehouse.weighed import Edge
from warehouse.weights import Weights


def print_weights(console: Console, boards: Sequence[Board], weights: Weights) -> None:
    """By how much each metric makes each target worse than the best, and what would turn first place."""
    for board in boards:
        if not board.leeways:
            continue
        title = f"{board.workload_id}: times worse than the best, each to the power of its weight"
        console.print(Text(title, style="bold"))
        table = _table()
        table.add_column("target", no_wrap=True, overflow="ellipsis")
        for of in board.leeways:
            table.add_column(f"{metric(of.metric_id).title}\n{100 * of.weight_share:.3g} %", justify="right")
        table.add_column("dominated by")
        for place in board.places:
            if place.weighed is not None and place.weighed.utility is not None:
                factors = [f"{exp(place.weighed.contributions[metric_id]):.3g}" for metric_id in weights]
                table.add_row(place.target_id, *factors, ", ".join(place.weighed.dominated_by))
        console.print(table)
        first = board.places[0].target_id
        for of in board.leeways:
            turns = [_turn(edge, where) for edge, where in ((of.below, "below"), (of.above, "above")) if edge]
            turned = "; ".join(turns) or f"{first} stays first however it is moved"
            console.print(Text(f"weight of {metric(of.metric_id).title}: {turned}", style="dim"))
        console.print()


def print_providers(console: Console, boards: Sequence[Board], by: str) -> None:
    """Ratios of providers on the models that both serve; nothing where none is shared."""
    for board in boards:
        if not board.providers:
            continue
        title = f"{board.workload_id}: {ranked_by(by).title.lower()} of one provider over another's, by model"
        console.print(Text(title, style="bold"))
        table = _table()
        for head in ("provider", "over"):
            table.add_column(head, no_wrap=True, overflow="ellipsis")
        for head in ("ratio", "95 %", "shared models", "nights"):
            table.add_column(head, justify="right")
        for one in board.providers:
            ends = "unknown" if one.low is None or one.high is None else f"{one.low:.3g}-{one.high:.3g}"
            table.add_row(one.provider, one.other, f"{one.ratio:.3g}", ends, str(len(one.models)), str(one.n_runs))
        console.print(table)
        console.print()


def _turn(edge: Edge, where: str) -> str:
    return f"{where} {100 * edge.weight_share:.3g} % of all, {edge.target_id} comes first"


def _table() -> Table:
    # its title would be wrapped at the width of the table
    return Table(header_style="dim", box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
