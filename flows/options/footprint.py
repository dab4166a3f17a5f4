"""Options of `megatoken footprint` and what follows it; figures may be ranges."""

import argparse
import math
from collections.abc import Callable, Sequence

from flows.options import Help, Parser

HOSTINGS = ("hyperscale", "colocation", "on-premises", "laptop")
Figure = tuple[float, float, float]  # low, central, high

TRAIN_EXAMPLE = (
    "megatoken footprint train --params 175e9 --tokens 300e9 --device V100 --count 10000 --achieved-tflops 24.6\n"
    "    --system-power-w 330 --pue 1.1 --grid-gco2e-per-kwh 429\n"
    "  megatoken footprint train --params 47e9 --active-params 13e9 --tokens 2e12 --device H100 --count 1024\n"
    "    --efficiency 0.3:0.38:0.45 --hosting hyperscale --region USA --json"
)
FINETUNE_EXAMPLE = (
    "megatoken footprint finetune --params 8e9 --tokens 50e6 --epochs 3 --method lora --device A100-80GB --count 8\n"
    "    --efficiency 0.2:0.3:0.4 --hosting colocation --region DEU"
)


def figure(above: float | None = 0.0, at_least: float | None = None, most: float = math.inf) -> Callable[[str], Figure]:
    """A reader of `X` or `LOW:CENTRAL:HIGH`, all of them finite, rising and within bounds.

    Args:
        above: each must be above it; None asks for nothing.
        at_least: each must be at least this.
        most: none may be above it.
    """

    def read(text: str) -> Figure:
        given = text.split(":")
        try:
            values = [float(each) for each in given]
        except ValueError:
            values = []
        if len(values) not in (1, 3) or not all(math.isfinite(each) for each in values):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 175e9, or LOW:CENTRAL:HIGH")
        low, central, high = values if len(values) == 3 else values * 3
        if not low <= central <= high:
            raise argparse.ArgumentTypeError(f"{text!r} does not rise; give LOW:CENTRAL:HIGH")
        if at_least is not None and low < at_least:
            raise argparse.ArgumentTypeError(f"{low:g} must be at least {at_least:g}")
        if at_least is None and above is not None and low <= above:
            raise argparse.ArgumentTypeError(f"{low:g} must be above {above:g}")
        if high > most:
            raise argparse.ArgumentTypeError(f"{high:g} must be at most {most:g}")
        return low, central, high

    return read


def whole(text: str) -> int:
    """A reader of a count above 0."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{value} must be above 0")
    return value


class LateParser(Parser):
    """A parser that adds its options when it is first used: their home is a module too heavy for every start."""

    fill: Callable[[argparse.ArgumentParser], None] | None = None

    def parse_known_args(  # type: ignore[override]  # argparse overloads it by the namespace's type; ours is plain
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse, with the late options."""
        fill, self.fill = self.fill, None
        if fill is not None:
            fill(self)
        return super().parse_known_args(args, namespace)


def add_footprint_options(footprint: argparse.ArgumentParser) -> None:
    """`train`, `finetune`, `infer` and `validate`, each with its options."""
    asked = footprint.add_subparsers(dest="asked", metavar="WHAT", required=True, parser_class=LateParser)
    train = _add(asked, "train", "footprint of a training, from its parameters, tokens and machines", TRAIN_EXAMPLE)
    _add_model_options(train)
    _add_machine_options(train)
    tune = _add(asked, "finetune", "footprint of a fine-tuning, of all weights or by an adapter", FINETUNE_EXAMPLE)
    _add_model_options(tune)
    tune.add_argument("--epochs", type=figure(), default=(1.0, 1.0, 1.0), metavar="N", help="passes (default: 1)")
    tune.add_argument(
        "--method", choices=("full", "lora"), default="full", help="all weights, or an adapter (default: full)"
    )
    tune.add_argument("--adapter-params", type=figure(), metavar="N", help="lora: parameters of the adapter")
    _add_machine_options(tune)
    infer: LateParser = _add(
        asked,
        "infer",
        "footprint of answers by a hosted model, estimated",
        "megatoken footprint infer --model gpt-4o --output-tokens 400 --region FRA",
    )
    infer.fill = _add_infer_options
    validate = _add(
        asked,
        "validate",
        "the method against published trainings: predicted, actual, deviation",
        "megatoken footprint validate",
    )
    for parser in (train, tune, validate):
        parser.add_argument("--json", action="store_true", help="print one JSON object, in base units")


def _add(asked: "argparse._SubParsersAction[LateParser]", name: str, summary: str, example: str) -> LateParser:
    return asked.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=Help,
    )


def _add_infer_options(infer: argparse.ArgumentParser) -> None:
    from flows.footprint.infer import add_infer_options

    add_infer_options(infer)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.description = f"{parser.description} A figure X may be a range, LOW:CENTRAL:HIGH."
    model = parser.add_argument_group("the model")
    model.add_argument("--params", type=figure(), metavar="X", help="parameters, or give its architecture")
    model.add_argument("--active-params", type=figure(), metavar="X", help="of a mixture of experts, for each token")
    model.add_argument("--tokens", type=figure(), required=True, metavar="X", help="tokens trained on")
    model.add_argument("--layers", type=whole, metavar="N", help="architecture: blocks")
    model.add_argument("--hidden", type=whole, metavar="N", help="architecture: width")
    model.add_argument("--vocabulary", type=whole, metavar="N", help="architecture: tokens it knows")
    model.add_argument("--experts", type=whole, metavar="N", help="architecture: experts of a mixture layer")
    model.add_argument("--top-k", type=whole, metavar="N", help="architecture: experts that a token is sent to")
    model.add_argument(
        "--moe-share",
        type=figure(at_least=0.0, most=1.0),
        metavar="X",
        help="architecture: share of layers that are mixtures (0.5: every other)",
    )


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    machine = parser.add_argument_group("the machines")
    machine.add_argument("--device", required=True, metavar="NAME", help="such as V100, A100-80GB or H100")
    machine.add_argument("--count", type=whole, required=True, metavar="N", help="devices")
    machine.add_argument("--achieved-tflops", type=figure(), metavar="X", help="TFLOP/s that a device achieves")
    machine.add_argument(
        "--efficiency", type=figure(most=1.0), metavar="X", help="or its share of the device's peak, 0 to 1"
    )
    machine.add_argument(
        "--system-power-w",
        type=figure(),
        metavar="X",
        help="average power of the whole system, per device (default: from the device's TDP, as a wide range)",
    )
    machine.add_argument(
        "--devices-per-server", type=figure(), metavar="X", help="that share a host (default: of a ledger)"
    )
    machine.add_argument("--lifetime-years", type=figure(), metavar="X", help="of the hardware (default: of a ledger)")
    machine.add_argument(
        "--utilisation",
        type=figure(most=1.0),
        metavar="X",
        help="share of its life in which the hardware does useful work (default: of a ledger)",
    )
    machine.add_argument(
        "--device-embodied-kgco2e",
        type=figure(at_least=0.0),
        metavar="X",
        help="of making a device (default: of a ledger)",
    )
    machine.add_argument(
        "--server-embodied-kgco2e",
        type=figure(at_least=0.0),
        metavar="X",
        help="of making a host without its devices (default: of a ledger)",
    )
    place = parser.add_argument_group("the place")
    place.add_argument("--pue", type=figure(at_least=1.0), metavar="X", help="facility energy over IT energy")
    place.add_argument("--hosting", choices=HOSTINGS, metavar="KIND", help=f"or one of {', '.join(HOSTINGS)}")
    place.add_argument("--grid-gco2e-per-kwh", type=figure(at_least=0.0), metavar="X", help="intensity of the grid")
    place.add_argument("--region", type=str.upper, metavar="ZONE", help="or where: FRA, USA-CA, CAN-QC, SE3")
    water = parser.add_argument_group("water, if you want it")
    water.add_argument("--wue-l-per-kwh", type=figure(at_least=0.0), metavar="X", help="of the site, for IT energy")
    water.add_argument("--wue-of", metavar="NAME", help="or whose site: room, aws, google, microsoft")
    water.add_argument(
        "--wue-grid-l-per-kwh",
        type=figure(at_least=0.0),
        metavar="X",
        help="of generating the electricity (default: the region's)",
    )
