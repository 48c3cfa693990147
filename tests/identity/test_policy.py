"""Who a person or pipeline is to us: let in by name, granted by rule, capped by what he gave our app."""

import pytest
from pydantic import SecretStr

from schema_mcp.domain.caller import Grant, Reach, Scope
from schema_mcp.identity.github import cap
from schema_mcp.identity.policy import Access, GitHub, Kind, Person, PipelineRule, Rule, caller_of, pipeline_caller

DEV = Reach(frozenset({"dev"}))
ACCESS = Access(
    "https://schemas.example.com",
    GitHub("our-app", SecretStr("secret")),
    allow=((Kind.LOGIN, "ann"), (Kind.ORGANIZATION, "shop")),
    rules=(
        Rule(Kind.ORGANIZATION, "shop", Grant(Scope.READ)),
        Rule(Kind.TEAM, "shop/orders", Grant(Scope.WRITE, DEV)),
        Rule(Kind.LOGIN, "root", Grant(Scope.ADMIN)),
    ),
)


def person(login: str = "bob", *, most: Scope | None = Scope.ADMIN, teams: tuple[str, ...] = ()) -> Person:
    return Person(login, 7, most, frozenset({"shop"}), frozenset(teams))


@pytest.mark.parametrize(
    ("scopes", "most"),
    [
        pytest.param([], None, id="empty-means-nothing"),
        pytest.param(["read:user", "gist"], None, id="others-mean-nothing"),
        pytest.param(["public_repo"], Scope.READ, id="public-repo-reads"),
        pytest.param(["repo"], Scope.WRITE, id="repo-writes"),
        pytest.param(["admin:org"], Scope.ADMIN, id="admin-org-administers"),
        pytest.param(["public_repo", "repo"], Scope.WRITE, id="the-most-counts"),
        pytest.param(["Repo", "repo:status", "admin:org_hook"], None, id="to-the-letter"),
    ],
)
def test_github_scopes_cap(scopes: list[str], most: Scope | None):
    assert cap(scopes) is most


def test_who_is_not_on_the_list_does_not_come_in():
    assert caller_of(Person("eve", 9, Scope.ADMIN), ACCESS) is None


def test_who_is_on_the_list_and_was_granted_nothing_may_do_nothing():
    found = caller_of(Person("Ann", 9, Scope.ADMIN), ACCESS)

    assert found is not None
    assert (found.scopes, found.grants) == (frozenset(), None)


def test_a_team_may_write_where_it_was_granted():
    found = caller_of(person(teams=("shop/orders",)), ACCESS)

    assert found is not None
    assert found.grants == (Grant(Scope.READ), Grant(Scope.WRITE, DEV))
    assert found.scopes == Scope.WRITE.implied


@pytest.mark.parametrize(
    ("most", "scopes"),
    [
        pytest.param(None, frozenset[Scope](), id="nothing"),
        pytest.param(Scope.READ, Scope.READ.implied, id="read"),
        pytest.param(Scope.WRITE, Scope.WRITE.implied, id="write"),
        pytest.param(Scope.ADMIN, Scope.ADMIN.implied, id="admin"),
    ],
)
def test_no_rule_grants_more_than_the_cap(most: Scope | None, scopes: frozenset[Scope]):
    found = caller_of(person("root", most=most), ACCESS)

    assert found is not None
    assert found.scopes == scopes


def test_no_rule_grants_more_than_the_token_was_made_for():
    found = caller_of(person("root"), ACCESS, scopes=[Scope.READ])

    assert found is not None
    assert found.scopes == Scope.READ.implied


def test_a_person_signs_commits_with_an_address_that_is_nobody_elses():
    found = caller_of(person(), ACCESS)

    assert found is not None
    assert (found.name, found.email) == ("bob", "7+bob@users.noreply.github.com")


RULES = Access(
    pipelines=(
        PipelineRule(
            "https://ci.example.com", (("repository", "shop/schemas"), ("ref", "refs/heads/*")), Grant(Scope.WRITE)
        ),
        PipelineRule("https://ci.example.com", (("repository", "shop/*"),), Grant(Scope.READ, DEV)),
    )
)


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        pytest.param({"repository": "shop/schemas", "ref": "refs/heads/main"}, Scope.WRITE.implied, id="all-fit"),
        pytest.param({"repository": "shop/schemas", "ref": "refs/tags/v1"}, Scope.READ.implied, id="another-ref"),
        pytest.param({"repository": "shop/other"}, Scope.READ.implied, id="another-repository"),
        pytest.param({"repository": "shopping/schemas"}, None, id="another-owner"),
        pytest.param({"repository": ["shop/schemas"], "ref": "refs/heads/main"}, None, id="a-list-is-no-text"),
        pytest.param({}, None, id="no-claims"),
    ],
)
def test_claims_are_granted_what_their_rules_say(claims: dict[str, object], scopes: frozenset[Scope] | None):
    found = pipeline_caller("https://ci.example.com", claims, RULES)

    assert (found.scopes if found else None) == scopes
    assert pipeline_caller("https://other.example.com", claims, RULES) is None
