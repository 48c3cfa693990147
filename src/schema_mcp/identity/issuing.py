"""Our own tokens for people who signed in here: short, signed, for our audience only, and over when the sign-in is."""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from cachetools import TTLCache
from joserfc import jwt
from joserfc.errors import JoseError

from schema_mcp.domain.caller import Scope
from schema_mcp.domain.errors import UnknownCallerError
from schema_mcp.identity.keys import Keys
from schema_mcp.identity.memory import digest
from schema_mcp.stores.signins import SignInRecord, SignInStore

LIFETIME: Final = 600
_ALGORITHM = "ES256"
_TYPE = "at+jwt"
_MOST = 10_000
_LONGEST_TOKEN = 4_096
_HINT = "Sign in again."


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was just made."""

    token: str
    sign_in: SignInRecord
    scopes: tuple[str, ...]
    seconds: int = LIFETIME


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who stands behind a token of ours: known to GitHub by a token that stays here."""

    github_token: str
    scopes: frozenset[Scope]
    client: str


@dataclass(frozen=True, slots=True)
class _Claims:
    sign_in: str
    scopes: frozenset[Scope]
    client: str
    expires: int


class SignIns:
    """Makes tokens, and reads them again."""

    def __init__(self, url: str, keys: Keys, store: SignInStore, *, clock: Callable[[], float] = time.time) -> None:
        self.issuer = url
        self.keys = keys
        self._audience = f"{url}/mcp"
        self._store = store
        self._clock = clock
        # A signature that was checked stays checked; whether the sign-in still stands is asked each time.
        self._checked: TTLCache[bytes, _Claims] = TTLCache(_MOST, LIFETIME)

    def issue(self, sign_in: SignInRecord, scopes: Iterable[str]) -> Issued:
        """A token of no more scopes than the sign-in has."""
        given = tuple(scope for scope in sign_in.scopes if scope in set(scopes))
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": sign_in.login,
            "client_id": sign_in.client,
            "scope": " ".join(given),
            "sid": sign_in.id,
            "jti": secrets.token_hex(8),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
        }
        header = {"alg": _ALGORITHM, "typ": _TYPE, "kid": self.keys.signing.kid}
        return Issued(jwt.encode(header, claims, self.keys.signing, algorithms=[_ALGORITHM]), sign_in, given)

    def read(self, token: str) -> SignedIn:
        """Raises `UnknownCallerError` for a token that is not ours, not for us, over, or of a sign-in that ended."""
        claims = self._checked_claims(token)
        found = self._store.find(claims.sign_in)
        if found is None or claims.expires <= self._clock():
            raise UnknownCallerError("This token is over", hint=_HINT)
        return SignedIn(self.keys.unseal(found.sealed), claims.scopes, claims.client)

    def named_in(self, token: str) -> str | None:
        """The sign-in of a token of ours, one that is over too."""
        try:
            return self._checked_claims(token).sign_in
        except UnknownCallerError:
            return None

    def fresh_secret(self) -> str:
        return secrets.token_urlsafe(48)

    def _checked_claims(self, token: str) -> _Claims:
        key = digest(token)
        if key not in self._checked:
            self._checked[key] = self._decoded(token)
        return self._checked[key]

    def _decoded(self, token: str) -> _Claims:
        if len(token) > _LONGEST_TOKEN:
            raise UnknownCallerError("This token is too long", hint=_HINT)
        try:
            found = jwt.decode(token, self.keys.signing, algorithms=[_ALGORITHM])
            jwt.JWTClaimsRegistry(
                now=lambda: int(self._clock()),
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self._audience},
                exp={"essential": True},
                sid={"essential": True},
            ).validate(found.claims)
        except (JoseError, ValueError) as error:
            raise UnknownCallerError("This token does not hold here", hint=_HINT) from error
        if found.header.get("typ") != _TYPE or found.header.get("kid") != self.keys.signing.kid:
            raise UnknownCallerError("This is no token to come in with", hint=_HINT)
        named = str(found.claims.get("scope", "")).split()
        scopes = frozenset(Scope(one) for one in named if one in set(Scope))
        said = found.claims
        return _Claims(str(said["sid"]), scopes, str(said.get("client_id", "")), int(said["exp"]))
