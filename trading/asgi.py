"""The ASGI application: sockets, the plain handlers of the order path, then Django.

Nothing in it knows the server: daphne, uvicorn and granian run it alike.
"""

from __future__ import annotations

import os
from typing import Any, Final, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trading.settings")

from django.core.asgi import get_asgi_application

# What follows has models behind it, and so comes after Django is set up.
_django = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import re_path  # noqa: E402

from trading.api.manners import Manners  # noqa: E402
from trading.api.plain import Application, OrderEntry, Receive, Scope, Send  # noqa: E402
from trading.proxies import Behind  # noqa: E402
from trading.streams.routing import websocket_urlpatterns  # noqa: E402

NO_SUCH_SOCKET: Final = 4404


async def _no_such_socket(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": NO_SUCH_SOCKET})


async def _lifespan(_scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the server that we are ready: `serve` starts and stops the parts, not the server."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = Behind(
    ProtocolTypeRouter(
        {
            "http": Manners(OrderEntry(cast("Application", _django))),
            "websocket": URLRouter(
                [*websocket_urlpatterns, re_path("", cast("Any", _no_such_socket))]
            ),
            "lifespan": _lifespan,
        }
    ),
    proxies=settings.TRUSTED_PROXIES,
)
