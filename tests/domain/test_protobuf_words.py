"""What people are told beside the verdict: findings, changes and names."""

import pytest

from schema_mcp.domain.formats import Change, Named
from schema_mcp.domain.protobuf.format import PROTOBUF
from schema_mcp.domain.schema import Dependency

HEAD = 'syntax = "proto3"; '


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        pytest.param("duplicate-number", "A", HEAD + "message A { int32 a = 1; int32 b = 1; }", id="number-twice"),
        pytest.param("duplicate-name", "A", HEAD + "message A { int32 a = 1; oneof o { int32 a = 2; } }", id="name"),
        pytest.param("duplicate-name", "A", HEAD + "message A { message B {} enum B { X = 0; } }", id="type-name"),
        pytest.param("duplicate-json-name", "A", HEAD + "message A { int32 a_b = 1; int32 aB = 2; }", id="json-name"),
        pytest.param("duplicate-import", "", HEAD + 'import "a"; import "a";', id="import-twice"),
        pytest.param("number-out-of-range", "A.a", HEAD + "message A { int32 a = 0; }", id="number-0"),
        pytest.param("number-out-of-range", "A.a", HEAD + "message A { int32 a = 536870912; }", id="number-too-large"),
        pytest.param("number-internal", "A.a", HEAD + "message A { int32 a = 19000; }", id="number-19000"),
        pytest.param("reserved-number", "A.a", HEAD + "message A { reserved 2 to 4; int32 a = 3; }", id="reserved"),
        pytest.param("reserved-name", "A.a", HEAD + 'message A { reserved "a"; int32 a = 3; }', id="reserved-name"),
        pytest.param("reserved-number", "E.X", HEAD + "enum E { reserved 0; X = 0; }", id="reserved-constant"),
        pytest.param("inverted-range", "A", HEAD + "message A { reserved 5 to 2; }", id="inverted-range"),
        pytest.param("first-constant-not-zero", "E", HEAD + "enum E { X = 1; }", id="first-constant"),
        pytest.param("duplicate-number", "E", HEAD + "enum E { X = 0; Y = 0; }", id="constant-twice"),
        pytest.param("empty-enum", "E", HEAD + "enum E {}", id="empty-enum"),
        pytest.param(
            "constant-clash", "F.X", HEAD + "enum E { X = 0; } enum F { X = 0; }", id="constants-of-two-enums"
        ),
        pytest.param("constant-clash", "A.F.X", HEAD + "message A { enum E { X = 0; } enum F { X = 0; } }", id="inner"),
        pytest.param("invalid-name", "9A", HEAD + "message 9A {}", id="name-begins-with-digit"),
        pytest.param("invalid-name", "A.a-b", HEAD + "message A { int32 a-b = 1; }", id="name-with-dash"),
        pytest.param("unknown-import", "x.proto", HEAD + 'import "x.proto";', id="import-of-nothing"),
        pytest.param("unknown-type", "Gone", HEAD + "message A { map<string, Gone> m = 1; }", id="unknown-in-map"),
        pytest.param(
            "missing-import",
            "google/protobuf/duration.proto",
            HEAD + "message A { google.protobuf.Duration d = 1; }",
            id="type-without-import",
        ),
        pytest.param("empty-oneof", "A.o", HEAD + "message A { oneof o {} }", id="empty-oneof"),
        pytest.param(
            "map-in-oneof", "A.m", HEAD + "message A { oneof o { map<int32, int32> m = 1; } }", id="map-in-oneof"
        ),
        pytest.param("nested-map", "A.m", HEAD + "message A { map<int32, map<int32, int32>> m = 1; }", id="map-in-map"),
        pytest.param("default-in-proto3", "A.a", HEAD + "message A { int32 a = 1 [default = 1]; }", id="default"),
        pytest.param(
            "default-of-repeated", "A.a", "message A { repeated int32 a = 1 [default = 1]; }", id="default-of-repeated"
        ),
        pytest.param("group-in-proto3", "A", HEAD + "message A { repeated group G = 1 {} }", id="group-in-proto3"),
        pytest.param("extensions-in-proto3", "A", HEAD + "message A { extensions 4; }", id="extensions-in-proto3"),
        pytest.param("required", "A.a", "message A { required int32 a = 1; }", id="required"),
        pytest.param("no-syntax", "", "message A {}", id="no-syntax"),
        pytest.param("several-packages", "", HEAD + "package a; package b;", id="several-packages"),
        pytest.param("weak-import", "", HEAD + 'import weak "google/protobuf/any.proto";', id="weak-import"),
    ],
)
def test_what_the_registry_accepts_in_silence_is_found(rule: str, path: str, text: str):
    findings = PROTOBUF.lint(PROTOBUF.parse(text), text)

    assert (rule, path) in {(it.rule, it.path) for it in findings}
    assert all(it.message for it in findings)


def test_an_ordinary_file_gives_no_findings():
    text = HEAD + (
        'package shop; import "google/protobuf/timestamp.proto"; import "hub.proto"; message Order { reserved 9; '
        "google.protobuf.Timestamp at = 1; geo.Place to = 2; Kind kind = 3; oneof pay { string card = 4; } "
        "map<string, Kind> kinds = 5; enum Kind { option allow_alias = true; NONE = 0; ZERO = 0; } }"
    )
    place = Dependency("place.proto", HEAD + "package geo; message Place {}")
    hub = Dependency("hub.proto", HEAD + 'import public "place.proto";')

    assert PROTOBUF.lint(PROTOBUF.parse(text, [place, hub]), text) == []


@pytest.mark.parametrize(
    ("rule", "path", "old", "new"),
    [
        pytest.param("json-name-changed", "A.b", "message A { int32 a = 1; }", "message A { int32 b = 1; }", id="name"),
        pytest.param(
            "json-name-changed",
            "A.a",
            "message A { int32 a = 1; }",
            'message A { int32 a = 1 [json_name = "x"]; }',
            id="json",
        ),
        pytest.param(
            "repeated-changed", "A.a", "message A { int32 a = 1; }", "message A { repeated int32 a = 1; }", id="list"
        ),
        pytest.param(
            "presence-changed",
            "A.a",
            "message A { int32 a = 1; }",
            "message A { optional int32 a = 1; }",
            id="presence",
        ),
        pytest.param("narrowed", "A.a", "message A { int64 a = 1; }", "message A { int32 a = 1; }", id="narrowed"),
        pytest.param(
            "narrowed", "A.a", "message A { int64 a = 1; }", "message A { E a = 1; } enum E { X = 0; }", id="to-enum"
        ),
        pytest.param(
            "reinterpreted", "A.a", "message A { fixed32 a = 1; }", "message A { sfixed32 a = 1; }", id="sign"
        ),
        pytest.param(
            "reinterpreted",
            "A.a",
            "message A { E a = 1; } enum E { X = 0; } enum F { Y = 0; }",
            "message A { F a = 1; } enum E { X = 0; } enum F { Y = 0; }",
            id="other-enum",
        ),
        pytest.param("text-and-bytes", "A.a", "message A { bytes a = 1; }", "message A { string a = 1; }", id="utf-8"),
        pytest.param("number-not-reserved", "A.a", "message A { int32 a = 1; }", "message A {}", id="number-free"),
        pytest.param(
            "reserved-number-used", "A.a", "message A { reserved 1; }", "message A { int32 a = 1; }", id="reserved-used"
        ),
        pytest.param("message-moved", "A", "message A {} message B {}", "message B {} message A {}", id="moved"),
        pytest.param(
            "constant-renumbered", "E.Y", "enum E { X = 0; Y = 1; }", "enum E { X = 0; Y = 2; }", id="renumbered"
        ),
        pytest.param(
            "constant-renamed", "E.Y", "enum E { X = 0; Y = 1; }", "enum E { X = 0; Z = 1; }", id="constant-name"
        ),
        pytest.param("constant-removed", "E.Y", "enum E { X = 0; Y = 1; }", "enum E { X = 0; }", id="constant-gone"),
        pytest.param(
            "group-changed", "A", "message A { repeated group G = 1 { int32 a = 2; } }", "message A {}", id="group"
        ),
        pytest.param("extensions-removed", "A", "message A { extensions 4; }", "message A {}", id="extensions"),
        pytest.param("service-removed", "S", "service S {}", "", id="service"),
        pytest.param(
            "method-removed",
            "S.M",
            "message A {} service S { rpc M (A) returns (A); }",
            "message A {} service S {}",
            id="method",
        ),
        pytest.param(
            "method-changed",
            "S.M",
            "message A {} message B {} service S { rpc M (A) returns (A); }",
            "message A {} message B {} service S { rpc M (A) returns (B); }",
            id="method-type",
        ),
    ],
)
def test_what_the_check_passes_in_silence_is_found(rule: str, path: str, old: str, new: str):
    findings = PROTOBUF.lint_change(PROTOBUF.parse(HEAD + new), PROTOBUF.parse(HEAD + old))

    assert (rule, path) in {(it.rule, it.path) for it in findings}


def test_another_syntax_or_default_is_found():
    old = PROTOBUF.parse("message A { optional int32 a = 1 [default = 2]; }")
    new = PROTOBUF.parse(HEAD + "message A { optional int32 a = 1; }")

    assert {it.rule for it in PROTOBUF.lint_change(new, old)} == {"syntax-changed", "default-changed"}


def test_a_removed_and_reserved_field_gives_no_finding():
    old, new = (
        PROTOBUF.parse(HEAD + text) for text in ("message A { int32 a = 5; }", "message A { reserved 4 to 6; }")
    )

    assert PROTOBUF.lint_change(new, old) == []


def test_changes_are_told_in_words():
    old = PROTOBUF.parse(
        HEAD + 'package a; import "x"; message Order { string name = 1; int32 n = 2; oneof o { bool p = 3; } '
        "Gone g = 5; } "
        "message Gone { enum Inner { I = 0; } } enum Kind { K0 = 0; K1 = 1; K2 = 2; } "
        "service S { rpc M (Gone) returns (Gone); }"
    )
    new = PROTOBUF.parse(
        HEAD + 'package b; import "y"; message First {} message Order { /* who */ string title = 1; '
        'repeated int64 n = 2 [deprecated = true, json_name = "N"]; bool p = 3; reserved 5; '
        "optional string more = 6; } "
        "enum Kind { K0 = 0; K9 = 1; K2 = 3; } service S { rpc M (stream First) returns (First); }"
    )

    found = PROTOBUF.changes(old, new)

    assert found == [
        Change("package", "", "the package changed from `a` to `b`"),
        Change("removed", "", "import `x` was removed"),
        Change("added", "", "import `y` was added"),
        Change("removed", "Gone", "message `Gone` was removed"),
        Change("added", "First", "message `First` was added"),
        Change("removed", "Order.g", "field `Gone g = 5` was removed"),
        Change("added", "Order.more", "field `optional string more = 6` was added"),
        Change("renamed", "Order.title", "field 1 was renamed from `name` to `title`"),
        Change("doc", "Order.title", "the comment changed"),
        Change("type", "Order.n", "the type changed from `int32` to `int64`"),
        Change("label", "Order.n", "the label changed from none to repeated"),
        Change("json_name", "Order.n", "the JSON name changed from none to `N`"),
        Change("added", "Order.n", "option `deprecated = true` was added"),
        Change("moved", "Order.p", "the field moved from oneof `o` to outside of a oneof"),
        Change("added", "Order", "reserved `5` was added"),
        Change("number", "Kind.K2", "`K2` changed from 2 to 3"),
        Change("renamed", "Kind.K9", "constant 1 was renamed from `K1` to `K9`"),
        Change("type", "S.M", "the method changed from `(Gone) returns (Gone)` to `(stream First) returns (First)`"),
        Change("order", "Order", "message `Order` moved from position 0 to 1"),
    ]


def test_nothing_changed_is_no_change():
    text = HEAD + "message A { int32 a = 1; oneof o { int32 b = 2; } enum E { X = 0; } } service S {}"

    assert PROTOBUF.changes(PROTOBUF.parse(text), PROTOBUF.parse(text + "\n")) == []


def test_names_carry_paths_types_and_comments():
    parsed = PROTOBUF.parse(
        HEAD + "package shop;\n// An order.\n/*\n * Sent once.\n */\nmessage Order {\n"
        "  // who\n  string name = 1; // bought it\n"
        "  repeated Line lines = 2;\n  oneof pay { /* plastic */ string card = 3; }\n  message Line {}\n"
        "  enum Kind { NONE = 0; // nothing\n  }\n}\n"
    )

    assert PROTOBUF.names(parsed) == [
        Named("message", "shop.Order", "Order", "", "An order.\nSent once."),
        Named("field", "shop.Order.name", "name", "string", "who\nbought it"),
        Named("field", "shop.Order.lines", "lines", "repeated Line"),
        Named("field", "shop.Order.card", "card", "string", "plastic"),
        Named("enum", "shop.Order.Kind", "Kind"),
        Named("symbol", "shop.Order.Kind.NONE", "NONE", "0", "nothing"),
        Named("message", "shop.Order.Line", "Line"),
    ]
