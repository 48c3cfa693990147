"""What holds for an embedded registry whatever is done to it: anything is done to it, beside a plain model."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from schema_mcp.domain.schema import Level, Subject
from schema_mcp.registries.embedded import deletion, lookup, registration, stored
from schema_mcp.registries.embedded.database import Database
from schema_mcp.registries.embedded.drafts import Draft
from schema_mcp.registries.embedded.finding import Asked
from schema_mcp.registries.embedded.refusals import Refusal
from schema_mcp.registries.embedded.session import ServerSettings, Session

SUBJECTS = st.builds(Subject, st.sampled_from(["a", "b"]), st.sampled_from([".", ".c"]))
TEXTS = st.sampled_from([f'{{"type":"fixed","name":"F","size":{size}}}' for size in range(4)])


class Registry(RuleBasedStateMachine):
    """A registry that checks no compatibility, and what it should hold: live and soft-deleted texts by number."""

    def __init__(self):
        super().__init__()
        self.database = Database(None)
        self.live: dict[Subject, dict[int, str]] = {}
        self.gone: dict[Subject, dict[int, str]] = {}
        self.texts: dict[tuple[str, int], str] = {}

    def teardown(self):
        self.database.close()

    def change(self, act, *args, **kwargs):
        with self.database.writing() as sql:
            return act(Session(sql, ServerSettings(level=Level.NONE), 0), *args, **kwargs)

    def attempt(self, act, *args, **kwargs):
        """What it answers, and the code where it is refused."""
        try:
            return self.change(act, *args, **kwargs), None
        except Refusal as no:
            return None, no.error_code

    @rule(subject=SUBJECTS, text=TEXTS)
    def register(self, subject, text):
        live, gone = self.live.setdefault(subject, {}), self.gone.setdefault(subject, {})
        known = [number for number, held in live.items() if held == text]
        expected = known[0] if known else max((*live, *gone), default=0) + 1

        version = self.change(registration.register, subject, Draft(text))

        assert version.number == expected
        # An id means one text for ever, and a text that comes back replaces its soft-deleted self.
        assert self.texts.setdefault((subject.context, version.id), text) == text
        live[expected] = text
        self.gone[subject] = {number: held for number, held in gone.items() if known or held != text}

    @rule(subject=SUBJECTS, permanent=st.booleans())
    def delete_subject(self, subject, permanent):
        live, gone = self.live.get(subject, {}), self.gone.get(subject, {})
        numbers, refused = self.attempt(deletion.delete_subject, subject, permanent=permanent)
        if refused:
            assert refused == (40401 if not live and not gone else 40405 if permanent else 40404)
            return
        assert numbers == sorted(gone if permanent else live)
        self.gone[subject] = {} if permanent else gone | live
        self.live[subject] = {}

    @rule(subject=SUBJECTS, number=st.integers(1, 4), permanent=st.booleans())
    def delete_version(self, subject, number, permanent):
        live, gone = self.live.get(subject, {}), self.gone.get(subject, {})
        _, refused = self.attempt(deletion.delete_version, subject, number, permanent=permanent)
        if refused:
            assert refused in (40401, 40402, 40406, 40407)
            assert number not in (gone if permanent else live)
            return
        text = (gone if permanent else live).pop(number)
        if not permanent:
            gone[number] = text

    @invariant()
    def holds_what_it_should(self):
        for subject in self.live.keys() | self.gone.keys():
            live, gone = self.live.get(subject, {}), self.gone.get(subject, {})
            found = self.change(lambda session, one=subject: list(stored.newest_first(session, one, deleted=True)))
            assert {version.number: version.schema.text for version in found} == live | gone
            assert {version.number for version in found if version.deleted} == gone.keys()
            for version in found:
                assert self.texts[subject.context, version.id] == version.schema.text

    @invariant()
    def finds_what_is_live(self):
        for subject, live in self.live.items():
            for number, text in live.items():
                assert self.change(lookup.lookup, Asked(subject), Draft(text)).number == number


Registry.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestRegistry = Registry.TestCase
