"""The ASGI application: sockets, the plain handlers of the order path, then Django."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trading.settings")

from django.core.asgi import get_asgi_application

application = get_asgi_application()
