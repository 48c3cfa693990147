"""Bring deleted versions back as they were: same number, same id, from the soft deletion or from the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from schema_mcp.domain.errors import ConflictError, InvalidRequestError, NotFoundError, StalePlanError
from schema_mcp.domain.identity import schema_hash
from schema_mcp.domain.plan import Action, Blocked, Plan, Step
from schema_mcp.domain.references import Place, used_by
from schema_mcp.domain.schema import Subject, Version
from schema_mcp.registries import asks
from schema_mcp.registries.contract import Capability, Registry
from schema_mcp.services import acts, application, recovery, snapshots
from schema_mcp.services.digests import stored_digest
from schema_mcp.services.glances import numbers_of, versions_at
from schema_mcp.services.ground import Ground, Report, Signature
from schema_mcp.services.resolution import in_registry
from schema_mcp.stores.schemastore import SchemaStore, StoredVersion, UpdateVersion


@dataclass(frozen=True, slots=True)
class Restored:
    """A restoration that was carried out; without a commit, the store did not call the versions deleted."""

    plan: Plan
    commit: str


async def preview(registry: Registry, store: SchemaStore, subject: Subject, number: int | None) -> Plan:
    """What would come back, or one version of it, as a plan; what cannot is blocked, with the reason. Reads only.

    Raises `NotFoundError` where nothing is deleted or nothing keeps it, `InvalidRequestError` where the registry
    cannot keep given ids.
    """
    _refuse_unable(registry)
    await store.refresh()
    live = await registry.numbers(subject)
    soft = await versions_at(
        registry, [(subject, one) for one in await numbers_of(registry, subject) if one not in live], deleted=True
    )
    deleted = {place[1]: version for place, version in soft.items()}
    stored = {one.version.number: one for one in store.history(subject) if one.version.number not in live}
    chosen = sorted(one for one in deleted.keys() | stored.keys() if number in (None, one))
    if not chosen:
        raise NotFoundError(_nothing(registry.name, subject, number), hint=_known(live, [*deleted, *stored]))
    judge = _Judge(registry, store, subject, {(subject, one) for one in chosen})
    told = [await judge.of(deleted.get(one), stored.get(one)) for one in chosen]
    return Plan(
        kind="restoration",
        request={"registry": registry.name, "subject": str(subject), "version": number or 0},
        commit="",
        observed={registry.name: ", ".join(map(str, live))},
        steps=tuple(one for one in told if isinstance(one, Step)),
        blocked=tuple(one for one in told if isinstance(one, Blocked)),
    )


async def restore(
    ground: Ground, place: tuple[str, Subject, int | None], digest: str, signed: Signature, report: Report
) -> Restored:
    """Do what was previewed: first the store calls the versions live again, then the registry takes them.

    Raises `StalePlanError` when the preview is not the one that was named, `ConflictError` where all is blocked.
    """
    name, subject, number = place
    registry = ground.fleet.get(name)
    registry.require_writable()
    await recovery.settle(ground, signed)
    plan = await preview(registry, ground.store, subject, number)
    if plan.digest != digest:
        raise StalePlanError(
            "What would be restored is not what the named preview showed",
            hint="Call again without `plan`, look at the preview, and pass its digest.",
        )
    if not plan.steps:
        raise ConflictError(f"Nothing can be restored: {plan.blocked[0].reason}", hint=plan.blocked[0].hint)
    commit = await _called_live(ground, subject, {step.number for step in plan.steps}, signed)
    outcome = await application.apply_now(ground, plan, signed, report)
    outcome.raise_failure()
    return Restored(plan, commit)


def _refuse_unable(registry: Registry) -> None:
    if not {Capability.KEEPS_IDS, Capability.MODES} <= registry.capabilities:
        raise InvalidRequestError(
            f"{registry.name} cannot take versions with given ids, so none can come back as it was",
            hint="register_schema registers the text again, as a new version.",
        )


def _nothing(registry: str, subject: Subject, number: int | None) -> str:
    what = f"version {number} of {subject}" if number else f"a version of {subject}"
    return f"Neither {registry} nor the store keeps {what} that could be restored"


def _known(live: Sequence[int], restorable: Sequence[int]) -> str:
    versions = ", ".join(map(str, sorted(set(restorable))[-50:]))
    if versions:
        return f"Restorable: {versions}."
    return f"Live already: {', '.join(map(str, live[-50:]))}." if live else "list_subjects tells what is there."


@dataclass(frozen=True, slots=True)
class _Judge:
    """Decides for each version whether, and from where, it can come back."""

    registry: Registry
    store: SchemaStore
    subject: Subject
    coming: set[Place]

    async def of(self, soft: Version | None, stored: StoredVersion | None) -> Step | Blocked:
        match soft, stored:
            case Version() as version, _:
                # What the registry has kept all along comes back letter by letter.
                origin, digest, why = f"{acts.DELETED}:{self.registry.name}", schema_hash(version.schema), _SOFT
            case None, StoredVersion(version=version):
                origin, digest, why = "store", stored.schema_hash, _GONE
            case _:
                raise NotFoundError(f"{self.subject} went away meanwhile", hint="Try again.")
        reason = await self._against(version, soft, stored)
        name, number = self.registry.name, version.number
        if reason:
            return Blocked(name, self.subject, reason, _WAYS_OUT[reason], number)
        return Step(
            name, Action.REGISTER, self.subject, why, number=number, id=version.id, digest=digest, origin=origin
        )

    async def _against(self, version: Version, soft: Version | None, stored: StoredVersion | None) -> str | None:
        digest = stored.schema_hash if stored and not soft else await to_thread.run_sync(stored_digest, version.schema)
        if soft and stored and (stored.schema_hash, stored.version.id) != (digest, soft.id):
            return _OTHER
        if stored and not snapshots.is_meant_for(self.store, self.subject, self.registry.name):
            return _NOT_MEANT
        if soft and asks.refused(self.registry, [Capability.REVIVAL]):
            return _NO_REVIVAL
        bound = await self.registry.schema(version.id, context=self.subject.context)
        if bound is not None and digest not in (schema_hash(bound), await to_thread.run_sync(stored_digest, bound)):
            return _ID_TAKEN
        find = in_registry(self.registry)
        for used in used_by(version):
            if used not in self.coming and await find(*used) is None:
                return _UNUSABLE
        return None


_SOFT = "soft-deleted there"
_GONE = "gone there, kept in the store"

_OTHER = "the store keeps other content or another id under this version"
_NOT_MEANT = "the store does not send the subject to this registry"
_ID_TAKEN = "its id belongs to other content there"
_NO_REVIVAL = "the registry's product takes no soft-deleted version back under its number"
_UNUSABLE = "it references a version that the registry does not have"

_WAYS_OUT: Mapping[str, str] = {
    _OTHER: "Adopt the registry's content into the store, or delete the version permanently and deploy the store's.",
    _NOT_MEANT: "Name the registry in the subject's targets: update_stored_schema.",
    _ID_TAKEN: "Ids never move: register the schema under a new id.",
    _NO_REVIVAL: "Delete it permanently, then restore it from the store.",
    _UNUSABLE: "Restore the referenced subject first.",
}


async def _called_live(ground: Ground, subject: Subject, numbers: set[int], signed: Signature) -> str:
    await ground.store.refresh()
    retired = [one for one in ground.store.history(subject) if one.version.number in numbers and one.version.deleted]
    if not retired:
        return ""
    changes = [UpdateVersion(replace(one, version=replace(one.version, deleted=False))) for one in retired]
    message = f"Restore {subject} {', '.join(f'v{one.version.number}' for one in retired)}"
    return await ground.store.commit(changes, message, signed.author, signed.trailers)
