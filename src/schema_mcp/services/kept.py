"""Plans that are kept: by their digest, as they were made."""

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.plan import Plan, from_text
from schema_mcp.stores.journal import Journal


async def kept_plan(journal: Journal, digest: str) -> Plan:
    """A plan by its digest; raises `NotFoundError` when it was never made here, or is gone."""
    text = await journal.plan(digest)
    if text is None:
        raise NotFoundError(
            f"No plan {digest[:12]}… is kept here", hint="Make it with plan_deployment or plan_migration."
        )
    return from_text(text)
