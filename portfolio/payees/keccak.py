"""Keccak-256 as Ethereum uses it: the sponge of FIPS 202 with the padding of before it. Pure.

Python's `sha3_256` pads otherwise. An address is one block long, so speed is of no matter here.
"""

from __future__ import annotations

from typing import Final

_LANE: Final = (1 << 64) - 1
_RATE: Final = 136  # bytes: 1600 bits less twice 256
_ROUNDS: Final = 24


def keccak_256(message: bytes) -> bytes:
    """Return the digest, 32 bytes."""
    padded = bytearray(message) + b"\x01" + bytes(-(len(message) + 1) % _RATE)
    padded[-1] |= 0x80
    lanes = [0] * 25  # lane (x, y) of the specification is number x + 5 y
    for start in range(0, len(padded), _RATE):
        for number in range(_RATE // 8):
            at = start + 8 * number
            lanes[number] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _permuted(lanes: list[int]) -> list[int]:
    """Return the state after 24 rounds of theta, rho and pi, chi, and iota."""
    register = 1  # makes the constants of iota, bit by bit
    for _ in range(_ROUNDS):
        columns = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        mixed = [columns[x - 1] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[number % 5] for number, lane in enumerate(lanes)]
        moved = [lanes[0], *[0] * 24]
        x, y = 1, 0
        for step in range(24):
            from_ = x + 5 * y
            x, y = y, (2 * x + 3 * y) % 5
            moved[x + 5 * y] = _turned(lanes[from_], (step + 1) * (step + 2) // 2)
        lanes = [
            lane ^ (~moved[5 * (n // 5) + (n + 1) % 5] & moved[5 * (n // 5) + (n + 2) % 5] & _LANE)
            for n, lane in enumerate(moved)
        ]
        for bit in range(7):
            if register & 1:
                lanes[0] ^= 1 << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
    return lanes


def _turned(lane: int, by: int) -> int:
    by %= 64
    return (lane << by | lane >> (64 - by)) & _LANE
