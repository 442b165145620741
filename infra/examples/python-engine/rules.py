"""What an engine must keep to, without any input or output: the rules in proto/kvasir/v1/pool.proto. Times are microseconds of one's own clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HOLD_ROUNDS = 6
"""Rounds without a newer document during which a budget keeps its full value."""


@dataclass
class Lease:
    """The right to bundles and tokens, as the newest document states it."""

    lease_us: int
    round_us: int
    document: Any = None
    _basis_us: float = 0.0
    _sent_us: dict[int, float] = field(default_factory=dict)

    def sent(self, beat: int, now_us: float) -> None:
        """A heartbeat goes out now: the lease will run from here, if a document acknowledges it."""
        self._sent_us[beat] = now_us
        self._sent_us.pop(beat - 64, None)

    def apply(self, document: Any, mapped: int) -> bool:
        """Takes a document unless it is older than what is known. Says whether it did. While a new owner counts, the lease is what is mapped."""
        if (document.epoch, document.sequence) <= (self.epoch, self.sequence):
            return False
        if document.census:
            document.lease_bundles = min(mapped, self.document.lease_bundles if self.document else 0)
        elif document.ack_beat in self._sent_us:
            self._basis_us = max(self._basis_us, self._sent_us[document.ack_beat])
        self.document = document
        return True

    @property
    def epoch(self) -> int:
        return self.document.epoch if self.document else 0

    @property
    def sequence(self) -> int:
        return self.document.sequence if self.document else 0

    @property
    def expires_us(self) -> float:
        return self._basis_us + self.lease_us

    def bundles(self, now_us: float) -> int:
        """Bundles the engine may hold now: the guarantee alone once the lease is over."""
        document = self.document
        if document is None or not document.member:
            return 0
        if now_us < self.expires_us:
            return document.lease_bundles
        return min(document.lease_bundles, document.guarantee_bundles)

    def tokens(self, now_us: float) -> int:
        """Tokens of the round that has begun now: in full at first, then halved towards the floor every second round."""
        document = self.document
        if document is None or not document.member:
            return 0
        budget = document.budget
        if now_us >= self.expires_us:
            return budget.floor
        silent = int((now_us - self._basis_us) // self.round_us)
        if silent <= HOLD_ROUNDS:
            return budget.tokens + budget.lent_tokens
        above = max(0, budget.tokens - budget.floor)
        return min(budget.tokens, budget.floor) + int(above * 2 ** (-(silent - HOLD_ROUNDS) / 2))


class Outbox:
    """What must not be lost: numbered, and said again until it was processed."""

    def __init__(self) -> None:
        self._number = 0
        self._unprocessed: list[Any] = []

    def number(self) -> int:
        self._number += 1
        return self._number

    def post(self, message: Any) -> Any:
        self._unprocessed.append(message)
        return message

    def processed(self, through: int) -> None:
        kept = [one for one in self._unprocessed if getattr(one, one.WhichOneof("message")).number > through]
        self._unprocessed = kept

    @property
    def unprocessed(self) -> list[Any]:
        return list(self._unprocessed)
