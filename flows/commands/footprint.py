"""`megatoken footprint`: what a training, a fine-tuning or some answers take, from parameters alone."""

import argparse
import json
from typing import Any

from flows.errors import ConfigError
from warehouse.errors import WarehouseError


def run(options: argparse.Namespace) -> int:
    """Print one footprint, or the validation of the method."""
    try:
        return _validate(options) if options.asked == "validate" else _footprint(options)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error


def _footprint(options: argparse.Namespace) -> int:
    if options.asked == "infer":
        from flows.footprint.infer import infer

        footprint = infer(options)
    else:
        from flows.footprint.gather import gather_training
        from flows.footprint.training import training_footprint

        training = gather_training(options)
        try:
            footprint = training_footprint(training)
        except ValueError as error:  # figures that are possible one by one, but not together
            raise ConfigError([f"{training.subject}: {error}"]) from error
    from flows.footprint.show import as_json, print_footprint

    if options.json:
        _print_json(as_json(footprint))
        return 0
    from flows.terminal import board_console

    print_footprint(board_console(), footprint)
    return 0


def _validate(options: argparse.Namespace) -> int:
    from flows.footprint.validation import as_json, print_validation, validation

    found = validation()
    if options.json:
        _print_json(as_json(found))
        return 0
    from flows.terminal import board_console

    print_validation(board_console(), found)
    return 0


def _print_json(shown: dict[str, Any]) -> None:
    print(json.dumps(shown, indent=2, allow_nan=False))
