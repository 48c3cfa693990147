"""Pipelines, which sign in without a secret: a token that their platform signed, made for us, with claims we know.

OpenID Connect Discovery 1.0; for GitHub Actions
https://docs.github.com/en/actions/concepts/security/openid-connect.
"""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import anyio
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from schema_mcp.domain.caller import Caller
from schema_mcp.domain.errors import UnknownCallerError
from schema_mcp.identity.outside import Outside
from schema_mcp.identity.policy import Access, Issuer, pipeline_caller

ALGORITHMS: Final = ["RS256", "ES256"]
LEEWAY: Final = 30
_LONGEST_TOKEN = 16 * 1024
_KEYS_FOR = 600.0
_ANEW_AFTER = 30.0
"""Seconds before an unknown key makes us fetch the keys again: anybody can invent a key's name."""


@dataclass(frozen=True, slots=True)
class _Keys:
    fetched: float
    keys: KeySet


class Pipelines:
    """Reads the tokens of the issuers that `access.yaml` names."""

    def __init__(
        self,
        access: Access,
        outside: Outside,
        *,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._outside = outside
        self._now = now
        self._clock = clock
        self._keys: dict[str, _Keys] = {}
        self.issuers: Mapping[str, Issuer] = {one.url: one for one in access.issuers}
        self._turns = {url: anyio.Lock() for url in self.issuers}

    async def caller(self, token: str, issuer: str) -> Caller:
        """Whose pipeline it is; raises `UnknownCallerError` for a token that does not hold here."""
        if len(token) > _LONGEST_TOKEN:
            raise _refused("is too long")
        named = self.issuers[issuer]
        claims = await self._claims(token, named)
        caller = pipeline_caller(issuer, claims, self._access)
        if caller is None:
            raise _refused("is a pipeline's to which nothing is granted")
        return caller

    async def has_keys(self, issuer: str) -> None:
        """Raises `UnknownCallerError` where an issuer's keys are neither at hand nor to be had."""
        await self._held(self.issuers[issuer])

    async def _claims(self, token: str, issuer: Issuer) -> Mapping[str, Any]:
        keys = await self._held(issuer)
        try:
            return self._read(token, issuer, keys.keys)
        except _UnknownKeyError:
            if self._now() - keys.fetched < _ANEW_AFTER:
                raise
        return self._read(token, issuer, (await self._held(issuer, since=self._now())).keys)

    def _read(self, token: str, issuer: Issuer, keys: KeySet) -> Mapping[str, Any]:
        try:
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
            jwt.JWTClaimsRegistry(
                now=lambda: int(self._clock()),
                leeway=LEEWAY,
                iss={"essential": True, "value": issuer.url},
                aud={"essential": True, "value": issuer.audience},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
            ).validate(found.claims)
        except (JoseError, ValueError) as error:
            known = {key.kid for key in keys.keys}
            if kid_of(token) not in known:
                raise _UnknownKeyError("This token is signed with a key that its issuer does not show") from error
            raise _refused("does not hold") from error
        return found.claims

    async def _held(self, issuer: Issuer, since: float | None = None) -> _Keys:
        """The issuer's keys; none older than `since`."""
        async with self._turns[issuer.url]:
            held = self._keys.get(issuer.url)
            oldest = self._now() - _KEYS_FOR if since is None else since
            if held is None or held.fetched < oldest:
                held = self._keys[issuer.url] = _Keys(self._now(), await self._fetched(issuer))
            return held

    async def _fetched(self, issuer: Issuer) -> KeySet:
        place = f"{issuer.url}/.well-known/openid-configuration"
        about = await self._outside.fetch(place, private=issuer.private)
        if about.get("issuer") != issuer.url or not isinstance(where := about.get("jwks_uri"), str):
            raise _refused("comes from an issuer that does not know itself")
        keys = await self._outside.fetch(where, private=issuer.private)
        try:
            return KeySet.import_key_set(keys)  # pyright: ignore[reportArgumentType]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused("comes from an issuer whose keys cannot be read") from error


class _UnknownKeyError(UnknownCallerError):
    """Perhaps the issuer has changed its keys."""


def issuer_of(token: str) -> str:
    """What a token says of its issuer, believed by nobody; empty where it says nothing."""
    said = _part(token, 1).get("iss")
    return said if isinstance(said, str) else ""


def kid_of(token: str) -> str:
    said = _part(token, 0).get("kid")
    return said if isinstance(said, str) else ""


def _part(token: str, number: int) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST_TOKEN:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        found: Any = json.loads(urlsafe_b64decode(parts[number] + "=" * (-len(parts[number]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _refused(why: str) -> UnknownCallerError:
    return UnknownCallerError(f"This token {why}", hint="Ask for one that is made for this server.")
