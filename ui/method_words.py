"""The texts of the page `method`: what no table of code or data says by itself. Short and factual."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

# The meters from the best to the last resort: what is read, how, and the label that its energy gets.
METERS: Sequence[tuple[str, str, str, str]] = (
    (
        "Meter of your own",
        "A smart plug, PDU or BMC, asked by a command or over HTTP; of a whole machine, it replaces its parts.",
        "counter, or power in samples",
        "measured",
    ),
    (
        "NVML, AMD SMI",
        "The card's own energy counter; where a card has none, its power in samples, integrated by trapezoids.",
        "counter, or power in samples",
        "measured",
    ),
    (
        "RAPL (powercap)",
        "The CPU packages' and the memory's counters, wraps undone; the platform's (psys) where it is asked for.",
        "counter",
        "measured",
    ),
    (
        "Load model of the CPU",
        "TDP by the load of the machine: a cubic curve (codecarbon) is the low end, a straight line the central value,"
        " a logarithmic curve (Boavizta) the high end.",
        "no meter",
        "modelled",
    ),
    (
        "Rule for the memory",
        "5 W a DIMM, as codecarbon has it; the range is its older rule and Boavizta's idle DIMM.",
        "no meter",
        "modelled",
    ),
    (
        "Hosted endpoint",
        "Joules per output token by EcoLogits with its range, or the figure you declare. What nobody knows is unknown.",
        "no meter",
        "estimated, declared",
    ),
)

METER_NOTES: Sequence[str] = (
    "A process of its own reads counters at both edges of the window, and power ten times a second in between.",
    "How wrong reading at instants can be is a bound in joules, kept with each trial and inside its range.",
    "A gap in sampled power, a vanished card, and a counter that went back, leapt ahead or may have gone round unseen"
    " make a meter invalid, with its reason; it is never a zero.",
    "Cards add up, however each is read; one that cannot be told leaves the energy of all of them unknown.",
    "Where nobody knows how old a reading may be, it is taken to be as old as the step between two readings.",
    "Idle power is metered with the model loaded and no request; idle and active energy are kept apart.",
)

# What is compared, what codecarbon 3.3.2 does, what happens here.
CODECARBON: Sequence[tuple[str, str, str]] = (
    (
        "CPU without a counter",
        "TDP x (0.1 + 0.9 x load cubed): 21 % of TDP at half load",
        "That curve is the low end, a straight line the central value, Boavizta's curve (75 % of TDP) the high end",
    ),
    (
        "PUE",
        "1.0 unless it is set, and multiplied into the energy that it reports",
        "Declared, or unknown; energy is IT energy, and the PUE enters with the grid",
    ),
    (
        "Water",
        "Its WUE x facility energy: over-counts the site's water by the PUE",
        "Site's WUE x IT energy, and the grid's x facility energy",
    ),
    (
        "Unknown country",
        "475 g/kWh for an unknown country; no answer from the geolocation service books Quebec's 3.9",
        "No default: without a zone or a declared figure, emissions are unknown",
    ),
    ("Sampling", "Every 15 s; load and power of cards every second", "Ten times a second, and at both edges"),
    ("Idle power", "Not told apart", "Metered beforehand; idle and active apart"),
    ("Embodied emissions", "Not counted", "By time, part and utilisation, with its range"),
    ("Ranges", "One number", "Low, central and high, and what makes them wide"),
)

LIMITS: Sequence[str] = (
    "What a provider's machines draw cannot be seen from outside: a hosted target's energy is estimated or declared.",
    "Without a meter of the whole machine, energy is that of processors, memory and cards: boards, disks, fans and the"
    " losses of power supplies are not in it. Boavizta puts them at 20 to 60 % of a server's processors and memory.",
    "Sources for making a card disagree: an H100 is 15 kgCO2e by its die alone, 575 kgCO2e by another model. So a range"
    " is shown, never one of them.",
    "EcoLogits leaves out prompt tokens, so a workload of long prompts costs its hosted targets more than is shown.",
    "Ranges treat their inputs as independent. A grid and a PUE that move together make the true range wider.",
    "Dividing a shared window among its requests is a rule, not a measurement; that the parts add up is held by tests.",
    "Others' part of a shared machine is told by CPU time, which is blind to clock speed and to memory traffic.",
    "The market-based figure is only as good as the contract that is declared; without one it is unknown.",
    "Networks, the user's own device and training the model are not in the figures of a trial.",
    "Water counts what running consumes; no source that we know gives the water of making a card.",
    "A ranking is from one place, of nights that lie behind: its bands say how sure those nights are, and from fewer"
    " than three nothing is said of how they differ.",
    "A shift is told from the figures of nights; what else differed that night stands beside it and need not be why.",
    "The canary sees that answers changed, not which model gives them.",
)

# How a range of a metric comes about.
RANGES: Mapping[str | None, str] = MappingProxyType(
    {
        "inputs": "low to high of its inputs",
        "sample": "95 % interval, resampled",
        None: "no range",
    }
)

TRAINING_NOTE = (
    "Predicted: 6 x parameters x tokens / achieved speed x power x PUE x grid, with the speed, power, PUE and grid that"
    " were reported: it tests the count of operations, it is no forecast."
)
PROMPTS_NOTE = (
    "What providers say of a prompt of theirs, to check an order of magnitude. Boundaries differ, as Google's two rows"
    " show, and electricity by market is not what the grid emits."
)
