"""Reading a JSON body exactly: numbers become Decimal, and what is dubious is refused."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import IO, Any, Final

from rest_framework.parsers import BaseParser

from trading.api import errors

BODY_BYTES_MAX: Final = 64 * 1024
CONTAINERS_MAX: Final = 200
NUMBER_LENGTH_MAX: Final = 40

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,2})?")


def parse(body: bytes) -> Any:
    """Return the value of a JSON body, its fractions as Decimal.

    Raises ApiError for a body that is too large or too nested, is not UTF-8 or not JSON, has
    NaN, infinity, an enormous number, the same key twice, or text that cannot be stored.
    """
    if len(body) > BODY_BYTES_MAX:
        raise too_large()
    # Every container begins with one of these, so that their number bounds the depth too.
    if body.count(b"[") + body.count(b"{") > CONTAINERS_MAX:
        raise _malformed("The body is nested too deeply or has too many parts.")
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        raise _malformed("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except _Refused as refused:
        raise _malformed(str(refused)) from None
    if "\\u" in text:
        _refuse_broken_text(value)
    return value


def too_large() -> errors.ApiError:
    return errors.ApiError(
        413, f"A body may have at most {BODY_BYTES_MAX:,} bytes.", reason="body_too_large"
    )


class ExactJSONParser(BaseParser):
    """`parse` for DRF. It reads a body of any declared type: some clients declare none."""

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        return parse(stream.read(BODY_BYTES_MAX + 1))


class _Refused(ValueError):
    """JSON allows it, we do not."""


def _decimal(text: str) -> Decimal:
    if len(text) > NUMBER_LENGTH_MAX or not _NUMBER.fullmatch(text):
        raise _Refused("A number in the body is too long or too large.")
    return Decimal(text)


def _integer(text: str) -> int:
    if len(text) > NUMBER_LENGTH_MAX:
        raise _Refused("A number in the body is too long.")
    return int(text)


def _refuse_constant(text: str) -> Any:
    raise _Refused(f"{text} is not a number here.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("The body has the same key twice.")
    return found


_DECODER: Final = json.JSONDecoder(
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_refuse_constant,
    object_pairs_hook=_object,
)


def _refuse_broken_text(value: Any) -> None:
    """Refuse what only escapes can make: half a surrogate pair, and NUL."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.keys())
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, str) and (
            "\0" in part or any("\ud800" <= c <= "\udfff" for c in part)
        ):
            raise _malformed("A text in the body has characters that cannot be kept.")


def _malformed(message: str) -> errors.ApiError:
    return errors.ApiError(400, message, reason="malformed_body")
