"""Plans that are kept: by their digest, as they were made."""

from anyio import to_thread

from schema_mcp.domain.errors import NotFoundError
from schema_mcp.domain.plan import Plan, from_text, to_text
from schema_mcp.stores.journal import Journal


async def keep_plan(journal: Journal, plan: Plan, owner: str) -> None:
    """Keep a plan, so that it can be shown and applied by its digest."""
    # Ten thousand steps take a while to write down, and to read: off the event loop.
    digest, text = await to_thread.run_sync(lambda: (plan.digest, to_text(plan)))
    await journal.keep_plan(digest, text, owner)


async def kept_plan(journal: Journal, digest: str) -> Plan:
    """A plan by its digest; raises `NotFoundError` when it was never made here, or is gone."""
    text = await journal.plan(digest)
    if text is None:
        raise NotFoundError(
            f"No plan {digest[:12]}… is kept here", hint="Make it with plan_deployment or plan_migration."
        )
    return await to_thread.run_sync(_read, text)


def _read(text: str) -> Plan:
    plan = from_text(text)
    plan.digest  # noqa: B018 - worked out here, so that nobody waits for it on the event loop
    return plan
