"""Avro schemas in words: what changed, what is there, what looks like a slip."""

import json

import pytest

from schema_mcp.domain.avro.format import AVRO


def order(*fields, **more):
    return AVRO.parse(json.dumps({"type": "record", "name": "Order", **more, "fields": list(fields)}))


def field(name, type_="string", **more):
    return {"name": name, "type": type_, **more}


def enum(*symbols, **more):
    return {"type": "enum", "name": "Status", "symbols": list(symbols), **more}


@pytest.mark.parametrize(
    ("old", "new", "kind", "path", "words"),
    [
        pytest.param(
            order(), order(field("email", default="")), "added", "Order.email", ["string", '""'], id="field-added"
        ),
        pytest.param(order(field("email")), order(), "removed", "Order.email", ["email"], id="field-removed"),
        pytest.param(
            order(field("mail")),
            order(field("email", aliases=["mail"])),
            "renamed",
            "Order.email",
            ["mail"],
            id="renamed",
        ),
        pytest.param(
            order(field("n", "int")), order(field("n", "long")), "type", "Order.n", ["int", "long"], id="another-type"
        ),
        pytest.param(
            order(field("n", "int")),
            order(field("n", ["null", "int"])),
            "type",
            "Order.n",
            ["also be null"],
            id="nullable",
        ),
        pytest.param(
            order(field("n", ["null", "int"])),
            order(field("n", "int")),
            "type",
            "Order.n",
            ["no longer", "null"],
            id="required",
        ),
        pytest.param(
            order(field("n", {"type": "array", "items": "int"})),
            order(field("n", {"type": "array", "items": "long"})),
            "type",
            "Order.n[]",
            ["int", "long"],
            id="element-type",
        ),
        pytest.param(
            order(field("n", default="a")),
            order(field("n", default="b")),
            "default",
            "Order.n",
            ['"a"', '"b"'],
            id="default",
        ),
        pytest.param(order(doc="old"), order(doc="new"), "doc", "Order", ["old", "new"], id="doc"),
        pytest.param(
            order(field("a"), field("b")), order(field("b"), field("a")), "order", "Order", ["order"], id="order"
        ),
        pytest.param(order(), order(namespace="shop"), "renamed", "Order", ["shop.Order"], id="namespace"),
        pytest.param(
            order(field("s", enum("A"))),
            order(field("s", enum("A", "B"))),
            "added",
            "Order.s.B",
            ["B", "Status"],
            id="symbol",
        ),
        pytest.param(
            order(field("s", enum("A"))),
            order(field("s", enum("A", default="A"))),
            "default",
            "Order.s",
            ['"A"'],
            id="enum-default",
        ),
        pytest.param(
            order(field("f", {"type": "fixed", "name": "F", "size": 1})),
            order(field("f", {"type": "fixed", "name": "F", "size": 2})),
            "size",
            "Order.f",
            ["1", "2"],
            id="size",
        ),
        pytest.param(
            order(field("at", {"type": "long", "logicalType": "timestamp-millis"})),
            order(field("at", {"type": "long", "logicalType": "timestamp-micros"})),
            "property",
            "Order.at",
            ["millis", "micros"],
            id="logical-type",
        ),
        pytest.param(
            order(field("a")),
            order(field("a", **{"confluent:tags": ["PII"]})),
            "property",
            "Order.a",
            ["PII"],
            id="property",
        ),
    ],
)
def test_a_change_is_told_in_words(old, new, kind, path, words):
    changes = AVRO.changes(old, new)

    told = [change for change in changes if (change.kind, change.path) == (kind, path)]
    assert len(told) == 1, changes
    assert all(word in told[0].text for word in words), told


def test_a_shared_type_is_told_once():
    def with_money(currency):
        money = {"type": "record", "name": "Money", "fields": [field("amount", currency)]}
        return order(field("net", money), field("gross", "Money"))

    changes = AVRO.changes(with_money("int"), with_money("long"))

    assert [change.path for change in changes] == ["Order.net.amount"]


def test_changes_inside_a_branch_are_told():
    def event(type_):
        return AVRO.parse(json.dumps(["null", {"type": "record", "name": "Tick", "fields": [field("n", type_)]}]))

    assert [change.path for change in AVRO.changes(event("int"), event("long"))] == ["Tick.n"]


def test_everything_with_a_name_can_be_found():
    money = {
        "type": "record",
        "name": "shop.Money",
        "doc": "An amount.",
        "fields": [field("cents", "long", doc="Whole.")],
    }
    schema = order(field("total", ["null", money]), field("paid", "shop.Money"), field("state", enum("NEW")))

    found = {(one.kind, one.path, one.name, one.type, one.doc) for one in AVRO.names(schema)}

    assert found == {
        ("record", "Order", "Order", "", ""),
        ("field", "Order.total", "total", "null or shop.Money", ""),
        ("record", "shop.Money", "Money", "", "An amount."),
        ("field", "Order.total.cents", "cents", "long", "Whole."),
        ("field", "Order.paid", "paid", "shop.Money", ""),
        ("field", "Order.state", "state", "Status", ""),
        ("enum", "Status", "Status", "", ""),
        ("symbol", "Status.NEW", "NEW", "", ""),
    }


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        pytest.param(order(field("a", ["null", "int"], default=1)), "default-of-a-later-branch", id="later-branch"),
        pytest.param(order(field("a", enum("A"), default="B")), "default-is-no-symbol", id="no-symbol"),
        pytest.param(order(field("a", "bytes", default="中")), "default-is-no-bytes", id="no-bytes"),
        pytest.param(
            order(field("a", {"type": "fixed", "name": "F", "size": 2}, default="x")),
            "default-is-no-bytes",
            id="too-short",
        ),
        pytest.param(
            order(field("a", "long", logicalType="date")),
            "logical-type-beside-the-type",
            id="logical-type-at-the-field",
        ),
        pytest.param(order(field("a", aliases=["b"]), field("b")), "alias-of-another-field", id="alias-of-a-field"),
        pytest.param(
            order(field("a", {"type": "int", "logicalType": "timestamp-millis"})),
            "logical-type-is-ignored",
            id="wrong-base",
        ),
        pytest.param(
            order(field("a", {"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3})),
            "logical-type-is-ignored",
            id="scale-above-precision",
        ),
        pytest.param(
            order(field("a", {"type": "fixed", "name": "F", "size": 1, "logicalType": "decimal", "precision": 3})),
            "logical-type-is-ignored",
            id="too-few-bytes-for-the-digits",
        ),
        pytest.param(
            order(field("a", {"type": "string", "logicalType": "colour"})), "logical-type-is-ignored", id="unknown"
        ),
        pytest.param(order(field("a", enum())), "nothing-fits", id="no-symbols"),
        pytest.param(order(field("a", [])), "nothing-fits", id="no-branches"),
        pytest.param(order(field("id"), field("ID")), "names-differ-in-case", id="case"),
        pytest.param(
            order(field("a", {"type": "array", "items": "int", "default": []})),
            "default-on-the-type",
            id="default-inside",
        ),
        pytest.param(
            order(field("a", {"type": "fixed", "name": "F", "namespace": "", "size": 1}), namespace="shop"),
            "leaves-the-namespace",
            id="no-namespace-inside-one",
        ),
        pytest.param(order(field("a", enum("A")), field("b", enum("A"))), "defined-twice", id="defined-twice"),
        pytest.param(AVRO.parse('{"type":"string","x":1,"x":2}'), "key-twice", id="key-twice"),
        pytest.param(
            order(field("a", "Status"), field("b", enum("A"))), "used-before-defined", id="used-before-defined"
        ),
        pytest.param(order(field("a b")), "refused-as-new", id="refused-as-new"),
    ],
)
def test_a_slip_is_found(schema, rule):
    assert [finding.rule for finding in AVRO.lint(schema, schema.text)] == [rule]


def test_a_clean_schema_has_no_slips():
    schema = order(
        field("id", {"type": "string", "logicalType": "uuid"}),
        field("total", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}),
        field("note", ["null", "string"], default=None),
        field("status", enum("NEW", "PAID", default="NEW"), default="NEW"),
    )

    assert AVRO.lint(schema, schema.text) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        pytest.param(
            order(field("a", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2})),
            order(field("a", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 3})),
            "logical-type-changed",
            id="scale",
        ),
        pytest.param(order(field("a", default="x")), order(field("a")), "default-changed", id="default-gone"),
        pytest.param(order(field("a", default="x")), order(field("a", default="y")), "default-changed", id="default"),
        pytest.param(order(namespace="a"), order(namespace="b"), "namespace-changed", id="namespace"),
        pytest.param(order(field("a", "long")), order(field("a", "double")), "digits-lost", id="long-as-double"),
        pytest.param(order(field("a", "int")), order(field("a", "float")), "digits-lost", id="int-as-float"),
        pytest.param(order(field("a", "bytes")), order(field("a", "string")), "string-and-bytes", id="bytes-as-string"),
        pytest.param(
            order(field("a", enum("A", "B"))),
            order(field("a", enum("A", default="A"))),
            "symbols-swallowed",
            id="symbol-gone-but-default",
        ),
        pytest.param(order(field("a")), order(field("b", default="")), "rename-without-alias", id="renamed"),
        pytest.param(order(field("a")), order(field("a", order="ignore")), "sort-order-changed", id="sort-order"),
    ],
)
def test_a_silent_change_is_told(old, new, rule):
    assert AVRO.differences(new, old, None) == []
    assert [finding.rule for finding in AVRO.lint_change(new, old)] == [rule]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(order(field("a", "int")), order(field("a", "double")), id="int-as-double"),
        pytest.param(order(field("a")), order(field("a"), field("b", default="")), id="a-field-with-default"),
        pytest.param(order(field("a")), order(field("b", aliases=["a"])), id="a-rename-with-alias"),
    ],
)
def test_a_harmless_change_is_not(old, new):
    assert AVRO.lint_change(new, old) == []
