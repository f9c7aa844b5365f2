"""The ASGI application: sockets, the plain handlers of the order path, then Django.

Nothing in it knows the server: daphne, uvicorn and granian run it alike.
"""

from __future__ import annotations

import os
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trading.settings")

from django.core.asgi import get_asgi_application

# What follows has models behind it, and so comes after Django is set up.
_django = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from trading.api.manners import Manners  # noqa: E402
from trading.api.plain import Application, OrderEntry, Receive, Scope, Send  # noqa: E402


async def _lifespan(_scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the server that we are ready: `serve` starts and stops the parts, not the server."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


_http = Manners(OrderEntry(cast("Application", _django)))
application = ProtocolTypeRouter({"http": _http, "lifespan": _lifespan})
