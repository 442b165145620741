#!/usr/bin/python3
"""An engine in Python: joins a pool through any coordinator, keeps to its lease and budget, asks for the memory it lacks, and leaves.

It serves nobody: its work is to keep `--bundles` bundles in use and to run a decode step whenever the device gives it a turn. What
happens to it, it prints as JSON, one line each.
"""

from __future__ import annotations

import argparse
import json
import queue
import signal
import sys
import time
from typing import Any

from kvasir.device.v1 import device_pb2 as device_wire
from kvasir.device.v1 import device_pb2_grpc as device_stub
from kvasir.v1 import pool_pb2 as wire
from kvasir.v1 import pool_pb2_grpc as stub
from lines import Line, Lost
from rules import Lease, Outbox

SEQUENCES_PER_BUNDLE = 2
CONTEXT_TOKENS = 600
REQUEST_WITHIN_US = 2_000_000
RETRY_S = 0.2


def now_us() -> float:
    return time.monotonic() * 1e6


def tell(event: str, **what: Any) -> None:
    print(json.dumps({"event": event, **what}), flush=True)


class Engine:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.heard: queue.Queue = queue.Queue()
        self.coordinator: Line | None = None
        self.coordinators = list(options.coordinator)
        self.device: Line | None = None
        self.device_again_us = 0.0
        # Whether the device answers; unknown before its first answer.
        self.device_ready: bool | None = None
        self.told_to_leave = False
        self.leaving = False
        self.left = False
        self.incarnation = 0
        self.begin()

    def begin(self) -> None:
        """A run of the engine: it knows nothing, holds nothing, and nobody knows it."""
        # Higher than that of every earlier run.
        self.incarnation = max(int(time.time() * 1000), self.incarnation + 1)
        self.outbox = Outbox()
        self.attached: Any = None
        self.lease: Lease | None = None
        self.mapped: list[int] = []
        # Under way, or `refused` until the next document.
        self.mapping: str | None = None
        # Where it stands with the device: `idle`, `ready`, `running`, `ended`, or `stalled` until the next document.
        self.phase = "idle"
        self.batch = 0
        # Steps that were not refused: the newest is the one whose end is waited for.
        self.steps = 0
        self.beat = 0
        self.beat_due_us = 0.0
        self.round_due_us = 0.0
        self.tokens_left = 0
        self.spent = 0
        self.requests = 0
        self.open_request: str | None = None
        self.open_until_us = 0.0

    def run(self) -> int:
        self.attach()
        while not self.left:
            try:
                line, message = self.heard.get(timeout=self.wait_s())
                self.hear(line, message)
            except queue.Empty:
                pass
            if self.told_to_leave and not self.leaving:
                self.leave()
            if self.device is None and self.attached is not None and now_us() >= self.device_again_us:
                self.reach_device()
            if self.lease is not None:
                self.keep(now_us())
        return 0

    def wait_s(self) -> float:
        due = min(self.beat_due_us, self.round_due_us) if self.attached else now_us() + 1e6
        return max(0.0, min(0.1, (due - now_us()) / 1e6))

    # --- the coordinator ---

    def attach(self) -> None:
        """To the coordinator whose turn it is: any carries everything, so the next one does when this one is gone."""
        address = self.coordinators.pop(0)
        self.coordinators.append(address)
        self.coordinator = Line(
            address, lambda channel, out: stub.PoolServiceStub(channel).PoolSession(out), self.heard
        )
        attach = wire.Attach(pool=self.options.pool, engine=self.options.engine, incarnation=self.incarnation)
        self.coordinator.send(wire.PoolSessionRequest(attach=attach))

    def say(self, **message: Any) -> None:
        """Something that must not be lost."""
        self.coordinator.send(self.outbox.post(wire.PoolSessionRequest(**message)))

    def hear(self, line: Line, message: Any) -> None:
        if isinstance(message, Lost):
            self.lost(line, message.reason)
        elif line is self.device:
            self.answer(message)
        elif line is self.coordinator and message.WhichOneof("message") == "attached":
            self.welcome(message.attached)
        elif line is self.coordinator:
            self.obey(message.document)

    def lost(self, line: Line, reason: str) -> None:
        if line is self.device:
            self.device_lost(reason)
        if line is not self.coordinator or self.left:
            return
        if reason.startswith(("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "ABORTED")):
            sys.exit(reason)
        # The lease goes on: whoever carries it next finds everything as it was.
        tell("coordinator_lost", reason=reason)
        time.sleep(RETRY_S)
        self.attach()

    def welcome(self, attached: Any) -> None:
        self.attached = attached
        if self.lease is not None:
            self.beat_due_us = 0
            return
        self.lease = Lease(attached.lease_us, attached.round_us)
        tell("attached", device=attached.device, bundles=attached.bundles, incarnation=self.incarnation)
        self.device = self.device_line()
        self.device_ready = None
        self.command(
            open=device_wire.Open(
                sender=self.sender(),
                model=self.options.model,
                block_bytes_per_rank=self.options.block_bytes,
                share=1,
                served=device_wire.ServedModel(architecture=self.options.architecture),
            )
        )
        self.say(join=wire.Join(number=self.outbox.number(), model=self.options.model))

    def obey(self, document: Any) -> None:
        if document.incarnation != self.incarnation or not self.lease.apply(document, len(self.mapped)):
            return
        self.outbox.processed(document.processed_through)
        budget = document.budget
        tell(
            "document",
            epoch=document.epoch,
            sequence=document.sequence,
            member=document.member,
            lease=document.lease_bundles,
            tokens=budget.tokens,
            lent=budget.lent_tokens,
            reclaims=[order.bundles for order in document.reclaims],
        )
        for outcome in document.outcomes:
            if outcome.id == self.open_request:
                kind = outcome.WhichOneof("outcome")
                detail = outcome.denied if kind == "denied" else getattr(outcome, kind)
                tell("outcome", id=outcome.id, kind=kind, detail=detail if isinstance(detail, (int, str)) else None)
                self.open_request = None
        if not document.member and self.leaving:
            self.finish()
        elif not document.member and document.processed_through > 0:
            self.start_over("there is no place for this incarnation any more")
            return
        if document.census:
            self.beat_due_us = 0
        # What the device refused under the last one it may allow under this one.
        if self.phase == "stalled":
            self.phase = "idle"
        if self.mapping == "refused":
            self.mapping = None

    # --- what time does ---

    def keep(self, now: float) -> None:
        if now >= self.round_due_us:
            self.round_due_us = now + self.attached.round_us
            self.tokens_left = self.lease.tokens(now)
        if not self.leaving and self.device_ready is not False:
            self.shrink(now)
            self.grow(now)
            self.ask(now)
            self.ready()
        if now >= self.beat_due_us:
            self.report(now)

    def shrink(self, now: float) -> None:
        """Holding more than the lease is the order to release, at the end of a step at the latest."""
        excess = len(self.mapped) - self.lease.bundles(now)
        if excess <= 0 or self.phase == "running":
            return
        given, self.mapped = self.mapped[:excess], self.mapped[excess:]
        self.command(unmap=device_wire.UnmapBundles(sender=self.sender(), bundles=given))
        tell("released", bundles=len(given), mapped=len(self.mapped))
        self.beat_due_us = 0

    def grow(self, now: float) -> None:
        wanted = min(self.options.bundles, self.lease.bundles(now)) - len(self.mapped)
        if wanted <= 0 or self.mapping:
            return
        self.mapping = "asked"
        self.command(map=device_wire.MapBundles(sender=self.sender(), epoch=self.lease.epoch, bundles=wanted))

    def ask(self, now: float) -> None:
        """For what is lacking, one request at a time; one without an outcome for long is withdrawn, never assumed."""
        if self.open_request is not None:
            if now >= self.open_until_us:
                self.say(cancel=wire.PreemptionCancel(number=self.outbox.number(), id=self.open_request))
                self.open_request = None
            return
        document = self.lease.document
        lacking = self.options.bundles - self.lease.bundles(now)
        if lacking <= 0 or document is None or not document.member or not document.shares_pool:
            return
        # After an answer that did not help, the next request waits until the last one would have been of no use.
        if now < self.open_until_us:
            return
        self.requests += 1
        self.open_request = f"{self.options.engine}/{self.incarnation}/{self.requests}"
        self.open_until_us = now + REQUEST_WITHIN_US
        request = wire.PreemptionRequest(
            number=self.outbox.number(),
            id=self.open_request,
            bundles=lacking,
            min_bundles=1,
            priority=self.options.priority,
            within_us=REQUEST_WITHIN_US,
        )
        setattr(request, "class", wire.PREEMPTION_CLASS_AUTO)
        self.say(request=request)
        tell("request", id=self.open_request, bundles=lacking)

    def report(self, now: float) -> None:
        """Everything, each time; and what may have been lost, once more."""
        self.beat += 1
        self.beat_due_us = now + self.attached.heartbeat_us
        self.lease.sent(self.beat, now)
        document = self.lease.document
        tokens = self.options.bundles * SEQUENCES_PER_BUNDLE
        demand = wire.Demand(tokens=tokens, bundles=self.options.bundles, tokens_per_second=1e6 * tokens / self.attached.round_us)
        if self.device_ready is False:
            # Nothing can run: others may have what it does not use.
            demand = wire.Demand(tokens=0, bundles=len(self.mapped), tokens_per_second=demand.tokens_per_second)
        heartbeat = wire.Heartbeat(
            beat=self.beat,
            model=self.options.model,
            processed_through=document.processed_through if document else 0,
            epoch=self.lease.epoch,
            sequence=self.lease.sequence,
            held=max(len(self.mapped), 0 if self.leaving else self.lease.bundles(now)),
            in_use=len(self.mapped),
            demand=demand,
            spent_tokens=self.spent,
        )
        if self.mapped:
            heartbeat.lowest_priority = self.options.priority
        self.coordinator.send(wire.PoolSessionRequest(heartbeat=heartbeat))
        for message in self.outbox.unprocessed:
            self.coordinator.send(message)

    # --- the device ---

    def sender(self) -> Any:
        return device_wire.Sender(engine=self.options.engine, incarnation=self.incarnation)

    def device_line(self) -> Line:
        return Line(
            self.options.device or self.attached.device,
            lambda channel, out: device_stub.DeviceServiceStub(channel).Session(out),
            self.heard,
        )

    def command(self, **command: Any) -> None:
        """What is said while there is no device is lost: `attach` finds out what became of it."""
        if self.device is not None:
            self.device.send(device_wire.SessionRequest(**command))

    def device_lost(self, reason: str) -> None:
        """The run goes on if the device still knows it when it answers again; until then nothing runs."""
        self.device = None
        self.device_again_us = now_us() + 1e6 * RETRY_S
        if self.device_ready is not False and not self.left:
            tell("not_ready", reason=reason)
        self.device_ready = False
        self.beat_due_us = 0

    def reach_device(self) -> None:
        self.device = self.device_line()
        step = self.steps if self.phase == "running" else 0
        self.command(attach=device_wire.Attach(sender=self.sender(), step=step))

    def device_answers(self) -> None:
        if not self.device_ready:
            tell("ready", incarnation=self.incarnation)
        self.device_ready = True

    def attached_again(self, attached: Any) -> None:
        """The device's bundles are the truth: what it has and the engine has not is given back, what it lacks is lost with all that was in it."""
        if not set(self.mapped) <= set(attached.bundles):
            self.start_over("the device has given its bundles to others")
            return
        extra = [bundle for bundle in attached.bundles if bundle not in self.mapped]
        if extra:
            self.command(unmap=device_wire.UnmapBundles(sender=self.sender(), bundles=extra))
        self.mapping = None
        # A step that was begun is not run again: its end is said. One that was not is as if it had never been.
        if self.phase == "running" and not attached.step_known:
            self.steps -= 1
        if self.phase != "running" or not attached.step_known:
            self.phase = "idle"
        self.beat_due_us = 0

    def start_over(self, reason: str) -> None:
        """As another incarnation: the place of this one, and all it held, are gone."""
        tell("starts_over", reason=reason)
        device, coordinator, self.device, self.coordinator = self.device, self.coordinator, None, None
        for line in (device, coordinator):
            if line is not None:
                line.close()
        self.begin()
        # That coordinator is as good as before.
        self.coordinators.insert(0, self.coordinators.pop())
        self.attach()

    def ready(self) -> None:
        """There is a step to run: the claim to a turn is what is left of the budget, as a share of it."""
        if self.phase not in ("idle", "ended"):
            return
        if not self.mapped:
            # The device waits to hear whether there is another step.
            if self.phase == "ended":
                self.command(**{"pass": device_wire.Pass(sender=self.sender())})
            self.phase = "idle"
            return
        self.phase = "ready"
        claim = self.tokens_left / max(1, self.lease.tokens(now_us()))
        self.command(ready=device_wire.Ready(sender=self.sender(), epoch=self.lease.epoch, claim=claim))

    def answer(self, message: Any) -> None:
        kind = message.WhichOneof("answer")
        if kind == "refused" and message.refused.command == "attach":
            self.start_over("the device does not know this incarnation any more")
            return
        self.device_answers()
        if kind == "attached":
            self.attached_again(message.attached)
        elif kind == "mapped":
            self.mapping = None
            self.mapped.extend(message.mapped.bundles)
            tell("mapped", bundles=len(message.mapped.bundles), mapped=len(self.mapped))
        elif kind == "turn":
            self.step()
        elif kind == "executed":
            self.spent += self.batch
            self.tokens_left -= self.batch
            self.phase = "ended"
        elif kind == "refused":
            self.refused(message.refused)

    def step(self) -> None:
        """One decode step of everything in memory."""
        if self.leaving or not self.mapped:
            self.phase = "idle"
            self.command(**{"pass": device_wire.Pass(sender=self.sender())})
            return
        self.phase = "running"
        self.steps += 1
        self.batch = len(self.mapped) * SEQUENCES_PER_BUNDLE
        shape = device_wire.StepShape(
            sequences=self.batch,
            total_tokens=self.batch,
            decode_sequences=self.batch,
            decode_context_tokens=self.batch * CONTEXT_TOKENS,
        )
        self.command(execute=device_wire.Execute(sender=self.sender(), epoch=self.lease.epoch, shape=shape))

    def refused(self, refused: Any) -> None:
        """Mostly a new owner has fenced the device: the next document brings its epoch."""
        if refused.command == "map":
            self.mapping = "refused"
        elif refused.command in ("ready", "execute"):
            self.phase = "stalled"
            if refused.command == "execute":
                self.steps -= 1

    # --- the end ---

    def leave(self) -> None:
        self.leaving = True
        if self.attached is None:
            self.left = True
            return
        self.command(close=device_wire.Close(sender=self.sender()))
        self.mapped = []
        self.say(leave=wire.Leave(number=self.outbox.number()))
        # The document that answers it is the last.
        self.beat_due_us = 0

    def finish(self) -> None:
        self.left = True
        self.coordinator.close()
        if self.device is not None:
            self.device.close()
        tell("left", spent=self.spent)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coordinator", action="append", required=True, help="host:port or unix:PATH; several may be named")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--engine", required=True, help="a name that no other engine of the cluster has")
    parser.add_argument("--model", required=True, help="a registered model")
    parser.add_argument("--architecture", default="Llama-3.1-8B", help="what the device knows the model as")
    parser.add_argument("--block-bytes", type=int, default=2 * 2**20, help="of one KV block on each rank")
    parser.add_argument("--device", help="host:port or unix:PATH; the pool's TP group when left out")
    parser.add_argument("--bundles", type=int, default=64, help="memory that its work needs")
    parser.add_argument("--priority", type=float, default=0.0, help="of its work; higher runs first")
    engine = Engine(parser.parse_args())

    def told(*_: Any) -> None:
        if engine.told_to_leave:
            sys.exit(1)
        engine.told_to_leave = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    return engine.run()


if __name__ == "__main__":
    sys.exit(main())
