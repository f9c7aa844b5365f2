"""WebSocket frames as a client has them (RFC 6455, 5.2): a server's are read, its own are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
_WHOLE: Final = 0x80  # of a message: the frame has all of it
_MASKED: Final = 0x80
_LENGTH_IN_TWO_BYTES: Final = 126
_LENGTH_IN_EIGHT_BYTES: Final = 127


def taken_from(received: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the whole frames from the front of `received`; yield the opcode and payload of each."""
    while len(received) >= 2:
        length, start = received[1], 2
        if length == _LENGTH_IN_TWO_BYTES:
            length, start = int.from_bytes(received[2:4], "big"), 4
        elif length == _LENGTH_IN_EIGHT_BYTES:
            length, start = int.from_bytes(received[2:10], "big"), 10
        end = start + length
        if len(received) < end:
            return
        opcode, payload = received[0] & 15, bytes(received[start:end])
        del received[:end]
        yield opcode, payload


def made(opcode: int, payload: bytes) -> bytes:
    """Return a message in a frame of its own, masked by nothing."""
    length = len(payload)
    if length < _LENGTH_IN_TWO_BYTES:
        head = bytes([_WHOLE | opcode, _MASKED | length])
    else:
        head = bytes([_WHOLE | opcode, _MASKED | _LENGTH_IN_TWO_BYTES]) + length.to_bytes(2, "big")
    return head + bytes(4) + payload


def why_closed(payload: bytes) -> str:
    """Return the code and the reason of a close frame."""
    return f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}".strip()
