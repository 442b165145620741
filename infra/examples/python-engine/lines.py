"""Streams to a coordinator and to a device: what comes in goes to one queue, in which the engine hears of everything."""

from __future__ import annotations

import queue
import threading
from typing import Any, Callable, Iterator

import grpc

_END = object()


class Line:
    """One bidirectional stream. What it hears is put as `(line, message)`; when it is lost, as `(line, Lost)`, and nothing after it."""

    def __init__(
        self, address: str, open_stream: Callable[[grpc.Channel, Iterator[Any]], Any], heard: queue.Queue
    ) -> None:
        self._heard = heard
        self._out: queue.Queue = queue.Queue()
        self._channel = grpc.insecure_channel(address, options=[("grpc.keepalive_time_ms", 5000)])
        self._stream = open_stream(self._channel, iter(self._out.get, _END))
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: Any) -> None:
        self._out.put(message)

    def close(self) -> None:
        """What was sent last still goes out: the stream is half-closed, not cut."""
        self._out.put(_END)

    def _read(self) -> None:
        reason = "the other side ended it"
        try:
            for message in self._stream:
                self._heard.put((self, message))
        except grpc.RpcError as error:
            reason = f"{error.code().name}: {error.details()}"
        self._heard.put((self, Lost(reason)))
        self._channel.close()


class Lost:
    """The line is gone."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
