"""Numbers and texts as bytes: small ones short, none without a bound."""

from __future__ import annotations

from typing import Final

VARINT_BYTES_MAX: Final = 24
"""Room for any turnover, and a bound on what nonsense can make us read."""
TEXT_BYTES_MAX: Final = 255

_BYTE: Final = 0x80
_SEVEN_BITS: Final = 0x7F
_SMALL: Final = 64


class Malformed(ValueError):
    """These bytes are no frame of this stream; nothing of them has been taken."""


def write_unsigned(out: bytearray, number: int) -> None:
    """Append `number` >= 0: seven bits a byte, the lowest first, the top bit says "more"."""
    while number >= _BYTE:
        out.append(number & _SEVEN_BITS | _BYTE)
        number >>= 7
    out.append(number)


def write_signed(out: bytearray, number: int) -> None:
    """Append `number` zigzag: 0, -1, 1, -2 are 0, 1, 2, 3."""
    if -_SMALL <= number < _SMALL:
        out.append(number << 1 if number >= 0 else ~(number << 1))  # most are: without two calls
    else:
        write_unsigned(out, zigzag(number))


def write_text(out: bytearray, text: str) -> None:
    """Append `text` as UTF-8 behind its length. Raises ValueError for more than 255 bytes."""
    encoded = text.encode()
    if len(encoded) > TEXT_BYTES_MAX:
        raise ValueError(f"a text has at most {TEXT_BYTES_MAX} bytes, not {len(encoded)}")
    write_unsigned(out, len(encoded))
    out += encoded


def zigzag(number: int) -> int:
    return number << 1 if number >= 0 else ~(number << 1)


def unzigzag(number: int) -> int:
    return number >> 1 if not number & 1 else ~(number >> 1)


class Reader:
    """Reads a frame from its beginning to its end. Everything raises Malformed."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def is_at_end(self) -> bool:
        return self._place >= len(self._data)

    def malformed(self, reason: str) -> Malformed:
        return Malformed(f"{reason} (before byte {self._place} of {len(self._data)})")

    def byte(self) -> int:
        if self.is_at_end:
            raise self.malformed("the frame ends too early")
        value = self._data[self._place]
        self._place += 1
        return value

    def bytes(self, count: int) -> bytes:
        end = self._place + count
        if end > len(self._data):
            raise self.malformed("the frame ends too early")
        value = self._data[self._place : end]
        self._place = end
        return value

    def unsigned(self) -> int:
        value = shift = 0
        for _ in range(VARINT_BYTES_MAX):
            byte = self.byte()
            value |= (byte & _SEVEN_BITS) << shift
            if byte < _BYTE:
                return value
            shift += 7
        raise self.malformed(f"a number is longer than {VARINT_BYTES_MAX} bytes")

    def signed(self) -> int:
        return unzigzag(self.unsigned())

    def text(self) -> str:
        length = self.unsigned()
        if length > TEXT_BYTES_MAX:
            raise self.malformed(f"a text is longer than {TEXT_BYTES_MAX} bytes")
        try:
            return self.bytes(length).decode()
        except UnicodeDecodeError as error:
            raise self.malformed("a text is not UTF-8") from error
