"""The keys of a state folder: one signs the tokens we give out, one seals what must not be read in our files."""

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from schema_mcp.domain.errors import StoreError

FILE = "sign-in.keys"
_SEALED = {"alg": "dir", "enc": "A256GCM"}


class Keys:
    """Made at the first start, shared by every process of the folder, readable by its owner only.

    Without the file everybody has to sign in again, and nothing else is lost.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.exists():
            _make(path)
        try:
            said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            self.signing = ECKey.import_key(said["signing"])
            self._sealing = OctKey.import_key(said["sealing"])
        except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
            raise StoreError(
                f"{path} cannot be read as keys", hint="Move it away: a new one is made, and everybody signs in again."
            ) from error

    @property
    def public(self) -> dict[str, Any]:
        """What others need to check our tokens (RFC 7517)."""
        return {"keys": [{**self.signing.as_dict(private=False), "use": "sig", "alg": "ES256"}]}

    def seal(self, text: str) -> str:
        return jwe.encrypt_compact(_SEALED, text, self._sealing)

    def unseal(self, sealed: str) -> str:
        """Raises `StoreError` for what was not sealed with these keys."""
        try:
            opened = jwe.decrypt_compact(sealed, self._sealing, algorithms=list(_SEALED.values())).plaintext
        except JoseError as error:
            raise StoreError("A sign-in was kept under other keys", hint="Sign in again.") from error
        return (opened or b"").decode()


def _make(path: Path) -> None:
    """Of several processes that start at once, one makes the file."""
    signing = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8)}, private=True)
    kept = {"signing": signing.as_dict(private=True), "sealing": OctKey.generate_key(256).as_dict(private=True)}
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint="Check the state folder.") from error
