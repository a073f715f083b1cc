"""A mobile operator's message centre that speaks SMPP 3.4: it delivers each message until it is told that it was taken.

Kannel's own fake message centre has no acknowledgements. What it has written to a connection that ends is lost.
"""

import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import sleep
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct(">IIII")
_RESPONSE: Final = 0x80000000
_SUBMIT, _DELIVER, _UNBIND, _BIND, _ENQUIRE = 0x04, 0x05, 0x06, 0x09, 0x15
_RECEIPT: Final = 0x04
_INTERNATIONAL: Final = b"\x01\x01"
_UCS2: Final = 8
_WRONG_PASSWORD: Final = 0x0E


class Said(NamedTuple):
    """A message from a telephone to a short code."""

    sender: str
    originator: str
    text: str


class Submitted(NamedTuple):
    """A message that Kannel handed over, with number and end of validity as Kannel writes them."""

    number: str
    text: bytes
    valid_until: str


@dataclass
class MessageCentre:
    """A message centre that one Kannel connects to. It hands over one message at a time, in their order."""

    port: int
    reports: bool = True
    """Whether it reports what became of the messages that it was given."""
    refuses: bool = False
    """Whether it refuses whoever connects, as with a wrong password."""
    refusal: int = 0
    """With which status of SMPP it refuses each message; 0 takes it."""
    accounts: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    """Of each who connected, the user name, the password and the system type, as they came."""
    submitted: list[Submitted] = field(default_factory=list)
    deliveries: int = 0
    """How often it handed over a message, repetitions included."""
    _waiting: "deque[Said]" = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _link: socket.socket | None = None
    _answered: dict[int, int] = field(default_factory=dict)
    _sequence: int = 0
    _ended: bool = False

    def say(self, *messages: Said) -> None:
        """Have telephones send messages."""
        with self._changed:
            self._waiting.extend(messages)
            self._changed.notify_all()

    def forget(self) -> None:
        """Give up on messages that nobody takes."""
        with self._changed:
            self._waiting.clear()

    def hand_over_once(self, message: Said, kind: int) -> None:
        """Hand over a message of a kind, whatever becomes of it. That of a part (0x40) begins with its head."""
        self.hand_over_body(delivery_of(message, kind))

    def hand_over_body(self, body: bytes) -> None:
        """Hand over what need not be a message at all, whatever becomes of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._link is not None)
            assert self._link is not None
            self._send(self._link, _DELIVER, body)

    @property
    def untold(self) -> int:
        """How many messages nobody has taken yet."""
        return len(self._waiting)

    def run_deliveries(self) -> None:
        """Hand over what telephones send, until the centre ends."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or (self._link is not None and self._waiting))
                if self._ended or self._link is None:
                    return
                link, message = self._link, self._waiting[0]
            if self._hand_over(link, message):
                with self._changed:
                    self._waiting.popleft()
            else:
                sleep(0.05)

    def _hand_over(self, link: socket.socket, message: Said) -> bool:
        """Whether Kannel says that it has taken a message."""
        try:
            sequence = self._send(link, _DELIVER, delivery_of(message))
        except OSError:
            return False
        self.deliveries += 1
        with self._changed:
            self._changed.wait_for(lambda: self._ended or sequence in self._answered or self._link is not link)
            return self._answered.pop(sequence, None) == 0

    def run_connections(self, listening: socket.socket) -> None:
        """Accept Kannel's connections, one after the other, until the centre ends."""
        while not self._ended:
            try:
                link, _ = listening.accept()
            except OSError:
                return
            with link:
                with suppress(OSError, EOFError):
                    self._converse(link)
                # Forgotten before it is closed: whoever holds the condition may still use it.
                with self._changed:
                    self._link = None
                    self._changed.notify_all()

    def _converse(self, link: socket.socket) -> None:
        while True:
            length, command, status, sequence = _HEADER.unpack(_read(link, _HEADER.size))
            body = _read(link, length - _HEADER.size)
            if command == _DELIVER | _RESPONSE:
                with self._changed:
                    self._answered[sequence] = status
                    self._changed.notify_all()
            elif command == _BIND:
                username, password, system_type, _ = body.split(b"\0", 3)
                self.accounts.append((username, password, system_type))
                self._send(link, command | _RESPONSE, b"centre\0", sequence, _WRONG_PASSWORD if self.refuses else 0)
                with self._changed:
                    if self.refuses:
                        continue
                    self._link = link
                    self._changed.notify_all()
            elif command == _SUBMIT:
                self._accept(link, sequence, body)
            elif command in (_ENQUIRE, _UNBIND):
                self._send(link, command | _RESPONSE, b"", sequence)

    def _accept(self, link: socket.socket, sequence: int, body: bytes) -> None:
        message, asks_for_receipt = _read_submission(body)
        self.submitted.append(message)
        place = len(self.submitted) - 1
        if self.refusal:
            self._send(link, _SUBMIT | _RESPONSE, b"", sequence, self.refusal)
            return
        self._send(link, _SUBMIT | _RESPONSE, f"m{place}".encode() + b"\0", sequence)
        if asks_for_receipt and self.reports:
            self.report(place)

    def report(self, place: int) -> None:
        """Report that the message that was submitted at this place, from 0 on, has been delivered."""
        text = f"id:m{place} sub:001 dlvrd:001 submit date:2401010000 done date:2401010000 stat:DELIVRD err:000 text:"
        self.hand_over_body(delivery_of(Said(self.submitted[place].number, "38001", text), _RECEIPT))

    def _send(
        self, link: socket.socket, command: int, body: bytes, sequence: int | None = None, status: int = 0
    ) -> int:
        with self._changed:
            if sequence is None:
                self._sequence += 1
                sequence = self._sequence
            link.sendall(_HEADER.pack(_HEADER.size + len(body), command, status, sequence) + body)
        return sequence

    def end(self) -> None:
        """Stop handing over and accepting."""
        with self._changed:
            self._ended = True
            if self._link is not None:
                # Kannel may have hung up already.
                with suppress(OSError):
                    self._link.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()


def delivery_of(message: Said, kind: int = 0) -> bytes:
    """The body of the packet that hands a message over."""
    is_plain = message.text.isascii()
    text = message.text.encode("ascii" if is_plain else "utf-16-be")
    return b"".join(
        (
            b"\0",
            _INTERNATIONAL + message.sender.encode() + b"\0",
            b"\0\0" + message.originator.encode() + b"\0",
            bytes([kind, 0, 0]),
            b"\0\0",
            bytes([0, 0, 0 if is_plain else _UCS2, 0, len(text)]),
            text,
        )
    )


def _read_submission(body: bytes) -> tuple[Submitted, bool]:
    """A submitted message, and whether its sender asks for a receipt."""
    _, rest = _cut(body)
    _, rest = _cut(rest[2:])
    number, rest = _cut(rest[2:])
    _, rest = _cut(rest[3:])
    valid_until, rest = _cut(rest)
    asks, text = bool(rest[0] & 1), rest[5 : 5 + rest[4]]
    return Submitted(number.decode(), text, valid_until.decode()), asks


def _cut(data: bytes) -> tuple[bytes, bytes]:
    text, _, rest = data.partition(b"\0")
    return text, rest


def _read(link: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = link.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


@contextmanager
def running_centre(port: int, *, reports: bool = True) -> Iterator[MessageCentre]:
    """Run a message centre on a port of this machine."""
    centre = MessageCentre(port, reports)
    with socket.create_server(("127.0.0.1", port)) as listening:
        threads = [
            threading.Thread(target=centre.run_deliveries),
            threading.Thread(target=centre.run_connections, args=(listening,)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield centre
        finally:
            centre.end()
            listening.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
