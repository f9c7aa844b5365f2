"""An app on a phone, which signs its person in over the API and keeps what it was given."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django.test import Client
from django.utils import timezone

from accounts.factors import proving, seeds
from accounts.models import Letter, TextMessage, User
from accounts.sessions import authentication
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD

DEVICE: Final = {"id": "installation-0001", "name": "Pat's phone"}


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("reason", "")


class App:
    def __init__(self, user: User, device: dict[str, str] = DEVICE) -> None:
        self.user, self.device = user, device
        self.client = Client(raise_request_exception=False)
        self.access = self.refresh_token = self.halfway = self.phone_id = self.mark = ""
        self.factors: list[dict[str, str]] = []
        self.address = "127.0.0.1"

    @property
    def ways(self) -> list[str]:
        return [factor["kind"] for factor in self.factors]

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        token = self.access if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        send = getattr(self.client, method)
        path = path if path.startswith("/") else f"/api/v1/auth/{path}"
        where = {"headers": headers, "REMOTE_ADDR": self.address}
        if body is None:
            return send(path, **where)
        return send(path, body, content_type="application/json", **where)

    def gives_password(self, password: str = PASSWORD, *, email: str | None = None) -> Any:
        device = self.device | ({"token": self.mark} if self.mark else {})
        body = {"email": email or self.user.email, "password": password, "device": device}
        answer = self.call("post", "password", body, token="")
        self.halfway = answer.json().get("halfway_token", "")
        self.factors = answer.json().get("factors", [])
        return answer

    def gives_code(self, code: str | None = None) -> Any:
        code = code or proving.current_code(self.user, now=timezone.now())
        return self.gives(code=code)

    def gives(self, **proof: object) -> Any:
        """Take the second step with this proof."""
        answer = self.call("post", "factor", {"halfway_token": self.halfway, **proof}, token="")
        self._keep(answer)
        return answer

    def has_sent(self, kind: str) -> Any:
        """Have a code sent for the second step."""
        body = {"halfway_token": self.halfway, "factor_id": self.id_of(kind)}
        return self.call("post", "factor/code", body, token="")

    def proof_by(self, kind: str, *, code: str = "", key: SoftwareKey | None = None) -> Any:
        """Return a proof by this way, having what it takes sent or asked for the second step."""
        if kind in ("sms", "email"):
            assert self.has_sent(kind).status_code == 200
            code = newest_code(kind)
        elif key is not None:
            asked = self.call("post", "factor/key", {"halfway_token": self.halfway}, token="")
            assert asked.status_code == 200
            return {"assertion": json.loads(key.get(asked.json()))}
        return {"factor_id": self.id_of(kind), "code": code}

    def proves_again(self, kind: str, *, code: str = "", key: SoftwareKey | None = None) -> Any:
        """Step up by this way."""
        self.factors = self.call("get", "step-up").json()["factors"]
        proof: dict[str, object] = {"factor_id": self.id_of(kind), "code": code}
        if kind in ("sms", "email"):
            sent = self.call("post", "step-up/code", {"factor_id": self.id_of(kind)})
            assert sent.status_code == 200
            proof["code"] = newest_code(kind)
        elif key is not None:
            asked = self.call("post", "step-up/key", {})
            proof = {"assertion": json.loads(key.get(asked.json()))}
        return self.call("post", "step-up", proof)

    def id_of(self, kind: str) -> str:
        return next(factor["id"] for factor in self.factors if factor["kind"] == kind)

    def signs_in(self) -> None:
        assert self.gives_password().status_code == 200
        assert self.gives_code().status_code == 200

    def refreshes(self, token: str | None = None, *, device_id: str = DEVICE["id"]) -> Any:
        body = {"refresh_token": token or self.refresh_token, "device_id": device_id}
        answer = self.call("post", "refresh", body, token="")
        self._keep(answer)
        return answer

    def is_in(self, token: str | None = None) -> bool:
        authentication.forget()  # as if a second had passed
        return bool(self.call("get", "/api/v1/account", token=token).status_code == 200)

    def _keep(self, answer: Any) -> None:
        if answer.status_code == 200:
            given = answer.json()
            self.access, self.refresh_token = given["access_token"], given["refresh_token"]
            self.phone_id = given.get("phone_id", self.phone_id)
            self.mark = given.get("device_token", self.mark)


def newest_code(kind: str) -> str:
    """Return the code that was sent last, before it goes out."""
    sent = TextMessage.objects if kind == "sms" else Letter.objects.filter(kind="code")
    text = seeds.unseal(sent.latest("pk").sealed_text).decode()
    found = re.search(r"^\d{6}", text, re.MULTILINE)
    assert found is not None
    return found[0]
