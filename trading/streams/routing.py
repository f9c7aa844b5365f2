"""Every socket of the platform, each behind the gate."""

from __future__ import annotations

from django.urls import path

from trading.streams.backpressure import felt
from trading.streams.consumer import LiveConsumer
from trading.streams.gate import guarded

websocket_urlpatterns = [
    path("ws/v1", felt(guarded(LiveConsumer.as_asgi()))),  # type: ignore[arg-type] # Channels' use
]
