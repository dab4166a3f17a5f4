"""What answers of a model take: of a hosted one by EcoLogits' estimate, on own machines by its formula."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flows.errors import ConfigError
from flows.footprint.place import GRID, PUE, WUE_GRID, WUE_SITE, add_place_options, missing_place
from flows.footprint.result import Footprint, Source
from flows.footprint.words import amount, significant
from flows.options.footprint import figure, whole
from warehouse.answer_impacts import AnswerImpacts
from warehouse.formulas.carbon import J_PER_KWH, facility_kwh, operational_gco2e
from warehouse.formulas.interval import Interval
from warehouse.formulas.water import water_l
from warehouse.reference.making import DeclaredPrompt, declared_prompts

METHOD = "ecologits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, before the place where it is computed counts."""

    words: str  # what is asked, for one answer
    impacts: AnswerImpacts
    method_version: str
    formulas: tuple[str, ...]
    sources: tuple[Source, ...]  # the model's, the machine's and the place's
    notes: tuple[str, ...]
    missing: tuple[str, ...] = ()
    embodied_known: bool = True


def add_infer_options(parser: argparse.ArgumentParser) -> None:
    """Options of `megatoken footprint infer`."""
    parser.description = (
        "Footprint of answers: of a hosted model as EcoLogits estimates it, or of your own on your machines by its"
        " formula. A figure X may be a range, LOW:CENTRAL:HIGH."
    )
    parser.epilog = (
        "example:\n  megatoken footprint infer --model gpt-4o --output-tokens 400 --region FRA\n"
        "  megatoken footprint infer --params 70e9 --device H100 --batch 64 --output-tokens 400\n"
        "    --hosting hyperscale --region DEU --wue-of google --json"
    )
    parser.add_argument("--output-tokens", type=whole, required=True, metavar="N", help="of an answer, hidden ones too")
    parser.add_argument("--answers", type=whole, default=1, metavar="N", help="how many such answers (default: 1)")
    parser.add_argument("--latency-s", type=_seconds, metavar="S", help="how long an answer took, if you measured it")
    hosted = parser.add_argument_group("a hosted model")
    hosted.add_argument("--model", metavar="M", help="its name, such as gpt-4o")
    hosted.add_argument("--provider", metavar="P", help="who serves it (default: the only one that EcoLogits has)")
    own = parser.add_argument_group("or your own")
    own.add_argument("--params", type=figure(), metavar="X", help="parameters, such as 70e9")
    own.add_argument("--active-params", type=figure(), metavar="X", help="of a mixture of experts, for each token")
    own.add_argument("--device", metavar="NAME", help="such as H100 or A100-80GB")
    own.add_argument("--batch", type=whole, metavar="N", help="answers computed together")
    own.add_argument("--bits", type=int, choices=(4, 8, 16), default=16, help="of a weight (default: 16)")
    own.add_argument("--lifetime-years", type=figure(), metavar="X", help="of the hardware (default: EcoLogits' 3)")
    own.add_argument(
        "--utilisation",
        type=figure(most=1.0),
        metavar="X",
        help="share of its life in which the hardware is busy (default: 1, as EcoLogits has it)",
    )
    add_place_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, in base units")


def _seconds(text: str) -> float:
    """A reader of one time above 0."""
    low, central, high = figure()(text)
    if low != high:
        raise argparse.ArgumentTypeError(f"{text!r} is a range; give the one time that was measured")
    return central


def infer(options: argparse.Namespace) -> Footprint:
    """Energy, emissions and water of answers, with their ranges, formulas and sources.

    Raises:
        ConfigError: every mistake on the command line, a sentence each.
        ReferenceDataError: a device or another row that a ledger does not have.
    """
    if (options.model is None) == (options.params is None):
        both = "both are" if options.model is not None else "neither is"
        raise ConfigError([f"--model and --params: {both} given; name a hosted model, or give your own's parameters"])
    if options.model is not None:
        from flows.footprint.hosted import hosted_answer

        return _footprint(hosted_answer(options), options.answers, options.output_tokens)
    from flows.footprint.own import own_answer

    return _footprint(own_answer(options), options.answers, options.output_tokens)


def _footprint(answer: Answer, answers: int, output_tokens: int) -> Footprint:
    of: Mapping[str, Interval] = {source.quantity: source.value for source in answer.sources}
    energy_j = answer.impacts.it_energy_kwh * J_PER_KWH * answers
    energy = facility_kwh(energy_j, of[PUE]) if PUE in of else None
    wet = {PUE, WUE_SITE, WUE_GRID} <= of.keys()
    return Footprint(
        subject=answer.words if answers == 1 else f"{answers:,} times: {answer.words}",
        energy_kwh=energy,
        operational_gco2e=operational_gco2e(energy_j, of[PUE], of[GRID]) if {PUE, GRID} <= of.keys() else None,
        embodied_gco2e=answer.impacts.embodied_gco2e * answers if answer.embodied_known else None,
        water_l=water_l(energy_j, of[PUE], of[WUE_SITE], of[WUE_GRID]) if wet else None,
        duration_s=answer.impacts.duration_s.central,
        method=METHOD,
        method_version=answer.method_version,
        formulas=(*answer.formulas, *_place_formulas(of)),
        sources=answer.sources,
        missing=(*answer.missing, *missing_place(answer.sources)),
        notes=(
            *answer.notes,
            f"IT energy of one answer: {_range(answer.impacts.it_energy_kwh)},"
            f" {_joules(answer.impacts.it_energy_kwh * (J_PER_KWH / output_tokens))} J per output token",
            *(f"declared, for comparison: {each}" for each in _declared()),
        ),
    )


def _place_formulas(of: Mapping[str, Interval]) -> Iterator[str]:
    if PUE in of:
        yield "energy = IT energy x PUE (ISO/IEC 30134-2)"
        if GRID in of:
            yield "operational = energy x grid intensity (SCI, ISO/IEC 21031:2024, O = E x I)"
        if {WUE_SITE, WUE_GRID} <= of.keys():
            yield "water = IT energy x (WUE of the site + PUE x WUE of the grid) (Li et al. 2023, arXiv 2304.03271)"


def _declared() -> Iterator[str]:
    """What providers say of a prompt of theirs: neither length nor boundary is ours."""
    for each in declared_prompts():
        figures = ", ".join(_declared_figures(each))
        yield f"{each.prompt}: {figures} (boundary: {each.boundary}; {each.source}, {each.tag})"


def _declared_figures(prompt: DeclaredPrompt) -> Iterator[str]:
    for value, unit in ((prompt.energy_wh, "Wh"), (prompt.gco2e, "gCO2e"), (prompt.water_ml, "ml")):
        if value is not None:
            yield f"{significant(value)} {unit}"


def _range(kwh: Interval) -> str:
    if kwh.low == kwh.high:
        return amount(kwh.central, "kWh")
    return f"{amount(kwh.low, 'kWh')} to {amount(kwh.high, 'kWh')}"


def _joules(value: Interval) -> str:
    if value.low == value.high:
        return significant(value.central)
    return f"{significant(value.low)} to {significant(value.high)}"
