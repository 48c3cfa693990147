"""What is easy to get wrong, asked through the tools of a registry behind REST: names, ids, deletions, lines."""

import asyncio
from pathlib import Path
from typing import Any

import anyio
import pytest

from fakes.loopback import answer, reset, serving
from faults.test_calm import ask, configured, opened
from schema_mcp.domain.errors import InvalidRequestError, NotFoundError, RegistryError, SchemaMcpError
from schema_mcp.domain.schema import Schema, Subject
from services.world import ORDERS, V2, record, world_at

OTHER = Subject(ORDERS.name, ".other")


async def test_a_context_that_does_not_exist_holds_nothing_and_says_which_do(tmp_path: Path):
    async with opened(tmp_path) as (world, _):
        assert (await ask(world, "list_subjects", context="nowhere"))["total"] == 0
        with pytest.raises(NotFoundError):
            await ask(world, "get_schema", subject=ORDERS.name, context="nowhere")
        with pytest.raises(NotFoundError) as refused:
            await ask(world, "get_schema", id=1, context="nowhere")
        assert "default" in refused.value.hint


async def test_a_subject_in_two_contexts_is_two_subjects(tmp_path: Path):
    async with opened(tmp_path) as (world, _):
        await world.registry("prod").register(OTHER, Schema(V2))

        here = await ask(world, "get_schema", subject=ORDERS.name)
        other = await ask(world, "get_schema", subject=ORDERS.name, context="other")
        listed = await ask(world, "list_subjects")

        assert ("note" in here["schema_text"], "note" in other["schema_text"]) == (False, True)
        assert (here["context"], other["context"]) == ("default", "other")
        assert listed["subjects"] == [":.other:orders-value", "orders-value"]


async def test_an_id_in_several_contexts_is_told_with_each(tmp_path: Path):
    async with opened(tmp_path) as (world, _):
        await world.registry("prod").register(OTHER, Schema(V2))

        found = await ask(world, "get_subjects_by_schema_id", id=1)
        one = await ask(world, "get_schema", id=1, context="other")

        assert [(row["context"], row["subject"]) for row in found["subjects"]] == [
            ("default", ORDERS.name),
            ("other", ORDERS.name),
        ]
        assert "note" in one["schema_text"]


async def test_a_soft_deleted_version_is_gone_and_listed_as_such(tmp_path: Path):
    async with opened(tmp_path) as (world, _):
        await world.registry("prod").register(ORDERS, Schema(V2))
        await world.registry("prod").delete_version(ORDERS, 1)

        with pytest.raises(NotFoundError, match="no version 1"):
            await ask(world, "get_schema", subject=ORDERS.name, version=1)
        live = await ask(world, "get_schema_versions", subject=ORDERS.name)
        every = await ask(world, "get_schema_versions", subject=ORDERS.name, deleted=True)

        assert [(row["version"], row["deleted"]) for row in live["versions"]] == [(2, False)]
        assert [(row["version"], row["deleted"]) for row in every["versions"]] == [(1, True), (2, False)]


async def test_a_reference_to_a_deleted_version_is_refused_with_its_name(tmp_path: Path):
    async with opened(tmp_path) as (world, _):
        await world.registry("prod").register(Subject("gone"), Schema(record("id:long", name="Gone")))
        await world.registry("prod").delete_subject(Subject("gone"))
        uses = [{"name": "shop.Gone", "subject": "gone", "version": 1}]
        text = '{"type":"record","name":"Line","fields":[{"name":"gone","type":"shop.Gone"}]}'
        writes = world.registry("prod").writes

        with pytest.raises(SchemaMcpError, match="gone"):
            await ask(world, "register_schema", subject="lines", schema_text=text, references=uses)
        told = await ask(world, "validate_schema", schema_text=text, references=uses)

        assert (told["valid"], "gone" in told["error"]) == (False, True)
        assert world.registry("prod").writes == writes


async def test_a_payload_of_50_megabytes_is_refused_at_once(tmp_path: Path):
    async with opened(tmp_path) as (world, _):
        with anyio.fail_after(10), pytest.raises(InvalidRequestError):
            await ask(world, "validate_data", subject=ORDERS.name, payload="x" * 50_000_000)


async def test_connections_that_close_at_random_change_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with opened(tmp_path) as (world, prod):
        for number in range(20):
            await world.registry("prod").register(Subject(f"s-{number}"), Schema(record("id:long", name=f"R{number}")))
        honest, asked = prod._answer, 0  # pyright: ignore[reportPrivateUsage]

        async def at_random(writer: asyncio.StreamWriter, *request: Any) -> None:
            nonlocal asked
            asked += 1
            await (honest(writer, *request) if asked % 3 else _cut(writer))

        monkeypatch.setattr(prod, "_answer", at_random)
        told: set[int] = set()
        for _ in range(8):
            try:
                told.add((await ask(world, "list_subjects"))["total"])
                told.add((await ask(world, "compare_registries", source="dev", target="prod"))["target"]["subjects"])
            except RegistryError as error:
                assert "prod" in str(error)  # noqa: PT017 - some calls may fail; none may be wrong

        assert told == {21}


async def _cut(writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def test_a_redirect_to_another_host_is_not_followed(tmp_path: Path):
    followed: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        followed.append(await reader.readuntil(b"\r\n\r\n"))
        await answer(writer, b"[]")

    async with serving(elsewhere) as other:

        async def redirects(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {other.url}/subjects\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

        async with serving(redirects) as sender, world_at(tmp_path, configured(sender.url), toolsets="all") as world:
            with pytest.raises(RegistryError) as refused:
                await ask(world, "list_subjects")

    assert "302" in str(refused.value)
    assert "credentials" in refused.value.hint
    assert followed == []
