"""The yes of another principal: asked for, given, and used once, before anything is done that cannot be undone.

An approval is bound to whoever asked, to the digest of the plan or preview (which covers registries, contexts,
subjects, schemas, references and modes) and to what the store held. A signed-in person gives it, or a commit of
somebody else on the store's shared branch, as a merged pull request leaves it, with the trailer `Approves: DIGEST`.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Final

from schema_mcp.domain.approval import Act, Irreversible, may_judge
from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.errors import NotPermittedError
from schema_mcp.domain.naming import shown_context
from schema_mcp.domain.plan import Action, Plan
from schema_mcp.domain.schema import Mode, Subject
from schema_mcp.registries.fleet import Fleet
from schema_mcp.services.ground import Ground, Signature
from schema_mcp.services.kept import kept_plan
from schema_mcp.stores.approvals import Approval, State
from schema_mcp.stores.schemastore import Commit, SchemaStore

TRAILER: Final = "Approves"

_OURS = re.compile(r"^(Tool|Request-Id):", re.MULTILINE)
"""What a commit carries that a tool has made: such a one approves nothing."""


async def of_plan(ground: Ground, digest: str, plan: Plan, caller: Caller) -> Act:
    """What of a plan cannot be undone."""
    places = {(step.registry, deed) for step in plan.steps for deed in _deeds(plan, step.action, step.value)}
    if plan.kind == "rollback":
        undone = await ground.journal.run(plan.request["task"])
        if undone is None or undone.owner != caller.name:
            places |= {(step.registry, Irreversible.ROLLBACK) for step in plan.steps}
    contexts = {step.subject.context for step in plan.steps}
    summary = f"{plan.kind}: {len(plan.steps)} steps"
    return Act(digest, plan.commit or ground.store.head or "", frozenset(places), tuple(sorted(contexts)), summary)


def _deeds(plan: Plan, action: Action, value: str) -> Iterable[Irreversible]:
    if action is Action.PURGE:
        yield Irreversible.PURGE
    if action is Action.DELETE and plan.kind != "rollback":
        yield Irreversible.PRUNE
    if action is Action.MODE and value == Mode.IMPORT:
        yield Irreversible.IMPORT


def of_purge(store: SchemaStore, registry: str, digest: str, context: str, summary: str) -> Act:
    """A permanent deletion, named by the digest of its preview."""
    deeds = frozenset({(registry, Irreversible.PURGE)})
    return Act(digest, store.head or "", deeds, (context,), summary)


def of_import_mode(store: SchemaStore, registry: str, scope: Subject, before: Mode | None, *, force: bool) -> Act:
    """Mode IMPORT by hand: nothing is checked there as long as it stands."""
    told = ["import", registry, asdict(scope), before, force]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    deeds = frozenset({(registry, Irreversible.IMPORT)})
    what = f"subject {scope}" if scope.name else f"context {shown_context(scope.context)}"
    return Act(digest, store.head or "", deeds, (scope.context,), f"mode IMPORT for {what}")


async def required(ground: Ground, act: Act, signed: Signature, *, resumes: str | None = None) -> Signature:
    """The signature with what was approved in it; used up, unless a task goes on that used it already.

    Raises `NotPermittedError` where the configuration wants a yes that is not there.
    """
    sealed = {(name, deed) for name, deed in act.deeds if deed in ground.fleet.whole.connection(name).approvals}
    if not sealed:
        return signed
    for found in await ground.approvals.of(act.digest, signed.caller):
        goes_on = resumes is not None and found.task == resumes
        fits = sealed <= found.act.deeds and act.contexts == found.act.contexts
        if fits and (goes_on or await _used(ground, found, signed.caller)):
            return replace(signed, approved=frozenset(sealed), approval=found.id)
    await ground.approvals.keep(replace(act, deeds=frozenset(sealed)))
    raise _missing(act, sealed)


async def _used(ground: Ground, found: Approval, caller: Caller) -> bool:
    """Is there a yes, does the store still hold what it was given for, and is it ours from now on?"""
    if not await ground.store.is_unchanged(found.act.commit):
        return False
    if found.state(ground.approvals.now) is State.WAITING:
        await _take_in(ground, found, caller)
    return await ground.approvals.use(found.id)


async def _take_in(ground: Ground, found: Approval, caller: Caller) -> None:
    """A commit of somebody else on the shared branch says yes for the person who wrote it."""
    for commit in await ground.store.merged(found.act.commit):
        if _says_yes(commit, found.act.digest) and not _is_by(commit, caller):
            by = f"{commit.author.name} <{commit.author.email}>"
            await ground.approvals.decide(found.id, by, approved=True, comment=f"commit {commit.id[:10]}")
            return


def _says_yes(commit: Commit, digest: str) -> bool:
    last = commit.message.strip().rpartition("\n\n")[2]
    return f"{TRAILER}: {digest}" in last.splitlines() and not _OURS.search(commit.message)


def _is_by(commit: Commit, caller: Caller) -> bool:
    name, email = commit.author.name.casefold(), commit.author.email.casefold()
    return name == caller.name.casefold() or email == caller.email.casefold() or name.endswith("[bot]")


def _missing(act: Act, sealed: set[tuple[str, Irreversible]]) -> NotPermittedError:
    deeds = ", ".join(sorted({deed.value for _, deed in sealed}))
    registries = sorted({name for name, _ in sealed})
    return NotPermittedError(
        f"This needs the approval of another person ({deeds} in {', '.join(registries)}, registries.yaml)",
        hint=f"Nothing was changed. Call request_approval with plan: {act.digest}; a person with the scope admin gives "
        "it with review_approval over HTTP, or by merging a commit with the trailer "
        f"`{TRAILER}: {act.digest}`. Then call again.",
        details={"layer": "approval", "plan": act.digest, "registries": registries, "deeds": deeds.split(", ")},
    )


async def request(ground: Ground, digest: str, caller: Caller, reason: str) -> Approval:
    """Ask for a yes to a plan, or to what was refused for want of one; raises `NotFoundError` for anything else."""
    await ground.store.refresh()
    act = await ground.approvals.kept(digest)
    if act is None or await ground.journal.plan(digest) is not None:  # who asks decides what a rollback is
        act = await of_plan(ground, digest, await kept_plan(ground.journal, digest), caller)
    for name in act.registries:
        for context in act.contexts:
            ground.fleet.get(name).require(Scope.WRITE, "request_approval", Subject("", context))
    return await ground.approvals.request(act, caller, reason)


async def review(ground: Ground, name: str, caller: Caller, *, approve: bool, comment: str) -> Approval:
    """Say yes or no to what somebody else asked for; raises `NotPermittedError` for the asker and for machines."""
    found = await ground.approvals.one(name)
    if why := may_judge(caller, found.requester, found.email):
        raise NotPermittedError(
            f"You cannot decide this: {why}",
            hint="Somebody else with the scope admin signs in over HTTP and calls review_approval.",
            details={"layer": "approval"},
        )
    for registry in found.act.registries:
        for context in found.act.contexts:
            ground.fleet.get(registry).require(Scope.ADMIN, "review_approval", Subject("", context))
    return await ground.approvals.decide(name, caller.name, approved=approve, comment=comment)


def is_shown(fleet: Fleet, one: Approval) -> bool:
    """Whether a request is about registries that somebody may read."""
    return all(name in fleet.connections for name in one.act.registries)
