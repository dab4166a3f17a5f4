"""Which formula accounts for what, from which facts: pure, one trial at a time.

A figure that lacks a fact is None and says which (`missing`); the other figures of the trial are not affected.
"""

from warehouse.accounting.account import Account, Billed, EnergyAccount, Fact, Tokens, TrialFacts

__all__ = ["Account", "Billed", "EnergyAccount", "Fact", "Tokens", "TrialFacts"]
