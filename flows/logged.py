"""A night told line by line, for logs: Prefect's, a file's, a terminal that is none."""

import logging
from typing import Any

from flows.night import TrialResult
from flows.plan import Plan, PlannedTrial
from flows.prepare import NightRequest
from flows.words import plan_sentences, result_sentence


class LogObserver:
    """Says what happened, one line each; progress within a trial is not logged."""

    def __init__(self, logger: "logging.Logger | logging.LoggerAdapter[logging.Logger]") -> None:
        self._logger = logger

    def planned(self, request: NightRequest, plan: Plan) -> None:
        """The plan, its worst-case cost, and what is skipped."""
        for sentence in plan_sentences(request, plan):
            self._logger.info(sentence)

    def note(self, sentence: str) -> None:
        """Something a person should know."""
        self._logger.info(sentence)

    def trial_started(self, planned: PlannedTrial) -> None:
        """A trial's process is about to start."""
        self._logger.info("%s under %s: started", planned.target.id, planned.workload.id)

    def trial_event(self, planned: PlannedTrial, event: str, values: dict[str, Any]) -> None:
        """Phases only."""
        if event == "phase":
            self._logger.debug("%s under %s: %s", planned.target.id, planned.workload.id, values["phase"])

    def trial_ended(self, planned: PlannedTrial, result: TrialResult, spent_usd: float) -> None:
        """A trial has landed."""
        self._logger.log(
            logging.WARNING if result.failed else logging.INFO,
            "%s; %.6f USD so far",
            result_sentence(result),
            spent_usd,
        )
