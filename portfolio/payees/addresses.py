"""Addresses of coins: whether one can be right, by its own checksum, and how it is written. Pure.

A typing mistake in an address sends coins where nobody gets them back from, so every format here
is one with a checksum: Base58Check (Bitcoin's old addresses, and with an alphabet of its own those
of the XRP Ledger), Bech32 and Bech32m (BIP 173, BIP 350: the witness programs of Bitcoin), and the
capital letters of Ethereum's (EIP-55). Only addresses of the main networks are known.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from portfolio.payees.keccak import keccak_256

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_XRP: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_CONSTANT: Final = 1
_BECH32M_CONSTANT: Final = 0x2BC830A3
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_HEX_40: Final = re.compile(r"0x[0-9a-fA-F]{40}")
LENGTH_MAX: Final = 120
"""Longer than any address; what is longer is not looked at."""


class NoAddress(ValueError):
    """The text is no address of the network."""


def bitcoin(text: str) -> str:
    """Return a Bitcoin address as it is written: P2PKH, P2SH, or a witness program of any version.

    Raises NoAddress.
    """
    if text[:3].lower() == "bc1":
        return _witness(text)
    version, *rest = _base58check(text, _BASE58)
    if version not in (0x00, 0x05) or len(rest) != 20:
        raise NoAddress
    return text


def ethereum(text: str) -> str:
    """Return an Ethereum address with the capitals that are its checksum. Raises NoAddress.

    One in small letters alone, or in capitals alone, has none: EIP-55 lets it pass.
    """
    if not _HEX_40.fullmatch(text):
        raise NoAddress
    plain = text[2:].lower()
    digest = keccak_256(plain.encode()).hex()
    checked = "0x" + "".join(
        each.upper() if int(nibble, 16) > 7 else each
        for each, nibble in zip(plain, digest, strict=False)
    )
    if text[2:] not in (plain, plain.upper()) and text != checked:
        raise NoAddress
    return checked


def xrp_ledger(text: str) -> str:
    """Return a classic address of the XRP Ledger. Raises NoAddress."""
    version, *rest = _base58check(text, _BASE58_XRP)
    if version != 0x00 or len(rest) != 20:
        raise NoAddress
    return text


def _base58check(text: str, alphabet: str) -> bytes:
    """Return the payload, its version in front. Raises NoAddress."""
    if not 20 <= len(text) <= 40 or any(each not in alphabet for each in text):
        raise NoAddress
    number = 0
    for each in text:
        number = number * 58 + alphabet.index(each)
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    whole = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, checksum = whole[:-4], whole[-4:]
    if len(whole) < 5 or _sha256(_sha256(payload))[:4] != checksum:
        raise NoAddress
    return payload


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _witness(text: str) -> str:
    """Return a witness program in small letters. Raises NoAddress."""
    if text not in (text.lower(), text.upper()) or not 14 <= len(text) <= 74:
        raise NoAddress
    plain = text.lower()
    symbols = plain[3:]
    if any(each not in _BECH32 for each in symbols):
        raise NoAddress
    values = [_BECH32.index(each) for each in symbols]
    version, program = values[0], _bytes_of(values[1:-6])
    # Version 0 has the checksum of BIP 173, all later ones that of BIP 350.
    constant = _BECH32M_CONSTANT if version else _BECH32_CONSTANT
    prefix = [ord(each) >> 5 for each in "bc"] + [0] + [ord(each) & 31 for each in "bc"]
    if _polymod([*prefix, *values]) != constant or version > 16:
        raise NoAddress
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise NoAddress
    return plain


def _polymod(values: Iterable[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            checksum ^= generator if top >> place & 1 else 0
    return checksum


def _bytes_of(groups: Iterable[int]) -> bytes:
    """Return the bytes in groups of five bits; what fills up the last one must be zeros."""
    buffer = bits = 0
    found = bytearray()
    for group in groups:
        buffer, bits = buffer << 5 | group, bits + 5
        if bits >= 8:
            bits -= 8
            found.append(buffer >> bits & 0xFF)
    if bits >= 5 or buffer & ((1 << bits) - 1):
        raise NoAddress
    return bytes(found)
