"""The pooled connections to one registry and to its token endpoint; nobody else opens any."""

import ssl
from functools import cached_property

import httpx2

from schema_mcp.domain.errors import ConfigurationError
from schema_mcp.registries.contract import Connection, Tls


class Clients:
    """Made at first use: reading the trusted certificates takes 0.1 s, and many registries are never asked."""

    def __init__(self, connection: Connection, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._connection = connection
        self._transport = transport

    @cached_property
    def registry(self) -> httpx2.AsyncClient:
        secure = any(url.startswith("https:") for url in self._connection.urls)
        # Who speaks plain HTTP needs no certificates, and then trusts nobody.
        return self._client(trust(self._connection.tls) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    @cached_property
    def tokens(self) -> httpx2.AsyncClient:
        return self._client(trust(self._connection.tls, system_too=True))

    async def close(self) -> None:
        for name in ("registry", "tokens"):
            if name in vars(self):
                await vars(self).pop(name).aclose()

    def _client(self, verify: ssl.SSLContext) -> httpx2.AsyncClient:
        timeouts, most = self._connection.timeouts, self._connection.limits.connections
        return httpx2.AsyncClient(
            transport=self._transport,
            verify=verify,
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
            timeout=httpx2.Timeout(timeouts.read, connect=timeouts.connect, pool=None),
            headers={"User-Agent": "schema-mcp"},
        )


def trust(tls: Tls, *, system_too: bool = False) -> ssl.SSLContext:
    """Whom we believe and what we show: our own CA alone where one is set, the system's trust otherwise.

    `system_too` is for a token endpoint, which may stand inside or outside; it never sees the client certificate.
    """
    own_only = tls.ca and not system_too
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if own_only else httpx2.create_ssl_context()
    try:
        if tls.ca:
            context.load_verify_locations(tls.ca)
        if tls.certificate and not system_too:
            context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        raise ConfigurationError(
            f"The TLS files of a registry cannot be used: {error.strerror or error}",
            hint="Check `tls.ca`, `tls.certificate` and `tls.key`: PEM files, and a key without a pass phrase.",
        ) from error
    return context
