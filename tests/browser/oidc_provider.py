"""A provider of OpenID Connect on this machine, as small as one can be: whoever comes is whom the test has named."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.ports import free_port

PATIENCE_S = 20.0


class Provider:
    """Discovery, authorization code flow and keys; ``person`` is the subject of whoever logs in next."""

    def __init__(self, client: str, secret: str) -> None:
        self.client, self.secret, self.person = client, secret, "anna"
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.given: dict[str, dict[str, Any]] = {}  # by code: whose, for which request
        routes = [
            Route("/.well-known/openid-configuration", self.discovery),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/keys", self.keys),
        ]
        config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=self.port, log_level="warning")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Provider:
        self.thread.start()
        end = time.monotonic() + PATIENCE_S
        while not self.server.started:
            assert time.monotonic() < end
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)

    def secrets_of(self, course: str) -> str:
        """``.streamlit/secrets.toml`` of a course at this address."""
        return (
            f'[auth]\nredirect_uri = "{course}/oauth2callback"\ncookie_secret = "{secrets.token_hex(32)}"\n'
            f'client_id = "{self.client}"\nclient_secret = "{self.secret}"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )

    async def discovery(self, request: Request) -> Response:
        return JSONResponse({
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        })  # fmt: skip

    async def authorize(self, request: Request) -> Response:
        asked = request.query_params
        assert asked["client_id"] == self.client
        code = secrets.token_urlsafe(16)
        self.given[code] = {"sub": self.person, "nonce": asked.get("nonce"), "challenge": asked["code_challenge"]}
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def token(self, request: Request) -> Response:
        basic = base64.b64encode(f"{self.client}:{self.secret}".encode()).decode()
        asked = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if request.headers.get("authorization") != f"Basic {basic}" or asked.get("code") not in self.given:
            return JSONResponse({"error": "invalid_grant"}, 400)
        given, now = self.given.pop(asked["code"]), int(time.time())
        claims = {"iss": self.url, "aud": self.client, "iat": now, "exp": now + 600, "nonce": given["nonce"]}
        claims |= {"sub": given["sub"], "name": given["sub"].title(), "email": f"{given['sub']}@school.example"}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": signed})

    async def keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})
