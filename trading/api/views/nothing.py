"""A view that does nothing: what benchmarks/order_entry.py holds the others against.

There only when OPENFLOOR_BENCHMARK is set.
"""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions.gate import public


@public
class Nothing(APIView):
    authentication_classes = []
    permission_classes = []

    def post(self, request: Request) -> Response:
        return Response({"n": len(request.data)})
