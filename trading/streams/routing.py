"""Every socket of the platform: those of pages behind the gate, those of programs by their key."""

from __future__ import annotations

from django.urls import path, re_path

from trading.streams.backpressure import felt
from trading.streams.binary_consumer import BinaryConsumer
from trading.streams.consumer import LiveConsumer
from trading.streams.data_market import CRYPTO, EQUITIES
from trading.streams.data_stream import DataStream
from trading.streams.gate import guarded
from trading.streams.trading_stream import TradingStream

_trading_stream = felt(TradingStream.as_asgi())
_equities = felt(DataStream.as_asgi(hub=EQUITIES))
_crypto = felt(DataStream.as_asgi(hub=CRYPTO))

websocket_urlpatterns = [
    path("ws/v1/binary", felt(guarded(BinaryConsumer.as_asgi()))),  # type: ignore[arg-type] # Channels' use
    path("ws/v1", felt(guarded(LiveConsumer.as_asgi()))),  # type: ignore[arg-type] # Channels' use
    path("stream", _trading_stream),  # type: ignore[arg-type] # Channels' use
    path("stream/", _trading_stream),  # type: ignore[arg-type] # Channels' use
    # There is one market of equities, whatever tape a client asks for.
    re_path(r"^v2/(?:iex|sip|delayed_sip)/?$", _equities),  # type: ignore[arg-type] # Channels' use
    re_path(r"^v1beta3/crypto/us/?$", _crypto),  # type: ignore[arg-type] # Channels' use
]
