"""A security key in software: it makes a pair of keys for a site, and signs what it is asked."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class SoftwareKey:
    """Answers as a browser hands them on: JSON of a PublicKeyCredential."""

    knows_owner: bool = True
    origin: str = ""
    rp_id: str = ""
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, Any]) -> str:
        """Answer navigator.credentials.create(options)."""
        numbers = self.private.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        identity = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + public
        said = {"fmt": "none", "attStmt": {}, "authData": self._said(ATTESTED) + identity}
        return self._answer(
            "webauthn.create",
            options,
            attestationObject=encoded(cbor2.dumps(said)),
            transports=["usb"],
        )

    def get(self, options: dict[str, Any]) -> str:
        """Answer navigator.credentials.get(options), having counted one use more."""
        self.count += 1
        said = self._said(0)
        about = self._about("webauthn.get", options)
        signature = self.private.sign(said + hashlib.sha256(about).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            "webauthn.get",
            options,
            authenticatorData=encoded(said),
            signature=encoded(signature),
            userHandle=None,
        )

    def _said(self, flags: int) -> bytes:
        rp_id = self.rp_id or settings.WEBAUTHN_RP_ID
        flags |= PRESENT | (VERIFIED if self.knows_owner else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _about(self, kind: str, options: dict[str, Any]) -> bytes:
        about = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin or settings.WEBAUTHN_ORIGINS[0],
            "crossOrigin": False,
        }
        return json.dumps(about).encode()

    def _answer(self, kind: str, options: dict[str, Any], **response: Any) -> str:
        credential_id = encoded(self.credential_id)
        return json.dumps(
            {
                "id": credential_id,
                "rawId": credential_id,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {
                    "clientDataJSON": encoded(self._about(kind, options)),
                    **response,
                },
            }
        )
