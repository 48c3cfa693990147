"""What comes in and where it may lead: input, the network, items 33 to 45."""

from security.guards.guard import Guard, Place

_ADDRESSES = "security/test_addresses.py"

GUARDS = (
    Guard(
        33,
        [
            Place(
                "toolkit/tool.py",
                'extra="forbid", use_attribute_docstrings',
                'extra="ignore", use_attribute_docstrings',
            )
        ],
        ["tools/test_catalogue.py::test_unknown_arguments_are_refused_by_the_shape_itself"],
    ),
    Guard(
        34,
        [Place("registries/paths.py", "return quote(name, safe=plain)", "return name")],
        ["registries/test_http_paths.py::test_a_hostile_name_makes_one_path_shape"],
    ),
    Guard(
        34,
        [Place("domain/naming.py", "if not subject.name or not is_valid(subject) or", "if not subject.name or")],
        ["domain/test_naming.py::test_a_caller_hears_what_no_registry_takes[control-character]"],
    ),
    Guard(
        34,
        [
            Place(
                "domain/naming.py",
                ' or len(name) > LONGEST_NAME:\n        raise InvalidRequestError(\n            f"{name',
                ':\n        raise InvalidRequestError(\n            f"{name',
            )
        ],
        ["domain/test_naming.py::test_a_caller_hears_what_no_registry_takes[too-long]"],
    ),
    Guard(
        35,
        [
            Place(
                "domain/json_schema/patterns.py",
                "return program is not None and len(name) <= MAX_NAME and matches(program, name)",
                "return __import__('re').search(self.text, name[-29:]) is not None",
            )
        ],
        ["domain/test_json_schema_patterns.py::test_no_pattern_makes_us_hang[^(a+)+$]"],
    ),
    Guard(
        36,
        [Place("domain/engine.py", "if size > LARGEST_TEXT:", "if False:")],
        ["domain/test_engine_bounds.py::test_a_text_beyond_the_bounds_is_refused_with_the_bound[too-long]"],
    ),
    Guard(
        36,
        [Place("domain/engine.py", 'if schema.text.count(",") > MOST_PARTS:', "if False:")],
        ["domain/test_engine_bounds.py::test_a_text_beyond_the_bounds_is_refused_with_the_bound[too-many-values]"],
    ),
    Guard(
        37,
        [
            Place(
                "domain/json_schema/references.py",
                "                raise _unknown(place, uri)\n",
                "                import contextlib, urllib.request\n"
                "                with contextlib.suppress(OSError, ValueError):\n"
                "                    urllib.request.urlopen(place, timeout=0.1)\n"
                "                raise _unknown(place, uri)\n",
            )
        ],
        ["security/test_addresses.py::test_nothing_that_a_schema_names_is_fetched[ref]"],
    ),
    Guard(
        37,
        [
            Place(
                "domain/json_schema/references.py",
                "                raise _unknown(place, uri)\n",
                '                text = "{}"\n',
            )
        ],
        ["domain/test_json_schema.py::test_nothing_is_fetched_and_the_refusal_says_so"],
    ),
    Guard(
        38,
        [Place("registries/document.py", "if depth > _DEEPEST:", "if False:")],
        ["settings/test_registries_file.py::test_a_bomb_is_refused[deep]"],
    ),
    Guard(
        38,
        [Place("registries/document.py", 'if getattr(event, "anchor", None):', "if False:")],
        ["settings/test_registries_file.py::test_a_bomb_is_refused[laughs]"],
    ),
    Guard(
        38,
        [Place("domain/once.py", "    if len(found) < len(pairs):\n", "    if False:\n")],
        [
            "stores/test_schemastore_findings.py::test_a_bad_version_is_a_finding_and_the_rest_is_read[twice]",
            "interfaces/test_sign_in.py::test_a_body_that_says_something_twice_is_refused[tool_error]",
        ],
    ),
    Guard(
        39,
        [
            Place(
                "interfaces/mcp/http.py",
                "max_request_body_size=LARGEST_BODY",
                "max_request_body_size=10 * LARGEST_BODY",
            )
        ],
        ["interfaces/test_http.py::test_a_body_beyond_the_bound_is_refused"],
    ),
    Guard(
        39,
        [
            Place(
                "interfaces/web/edge.py",
                "anyio.move_on_after(self._until - time.monotonic())",
                "anyio.move_on_after(None)",
            )
        ],
        ["interfaces/test_site.py::test_a_body_that_never_ends_is_cut"],
    ),
    Guard(
        40,
        [
            Place(
                "registries/fleet.py",
                "        if wanted not in self.connections:\n",
                '        if "://" in wanted:\n'
                "            from schema_mcp.registries.contract import Timeouts\n"
                "            brisk = Timeouts(0.1, 0.1, 0.1)\n"
                '            return Connection(wanted, "confluent", (wanted,), timeouts=brisk, retries=0)\n'
                "        if wanted not in self.connections:\n",
            )
        ],
        [
            f"{_ADDRESSES}::test_a_registry_that_the_configuration_does_not_name_is_none",
            f"{_ADDRESSES}::test_no_argument_of_any_tool_leads_to_an_address",
            f"{_ADDRESSES}::test_no_resource_leads_to_an_address[registry]",
        ],
    ),
    Guard(
        40,
        [
            Place(
                "tools/subjects/deletion.py",
                '    """For good: what is soft-deleted already."""\n',
                '    """For good: what is soft-deleted already."""\n\n    url: str = ""\n    """Where."""\n',
            )
        ],
        [f"{_ADDRESSES}::test_no_tool_has_an_argument_for_an_address"],
    ),
    Guard(
        41,
        [
            Place(
                "registries/http.py",
                "stream(call.method, url, content=content, headers=headers)",
                "stream(call.method, url, content=content, headers=headers, follow_redirects=True)",
            )
        ],
        ["faults/test_bad_input.py::test_a_redirect_to_another_host_is_not_followed"],
    ),
    Guard(
        42,
        [Place("identity/outside.py", 'return parts._replace(netloc=f"{number}:{port}").geturl()', "return url")],
        ["identity/test_outside.py::test_the_address_that_was_checked_is_the_one_connected_to"],
    ),
    Guard(
        43,
        [Place("registries/clients.py", "            verify=verify,\n", "            verify=False,\n")],
        [
            f"{_ADDRESSES}::test_a_server_that_nobody_vouches_for_is_not_spoken_to",
            f"{_ADDRESSES}::test_no_line_of_ours_turns_verification_off",
        ],
    ),
    Guard(
        43,
        [
            Place(
                "registries/configuration.py",
                'Key("key", text, "", "File with its private key."),\n',
                'Key("key", text, "", "File with its private key."),\n    Key("verify", text, '
                '"", "Whether to look."),\n',
            ),
            Place(
                "registries/configuration.py",
                'in said.get("tls", {}).items()}',
                'in said.get("tls", {}).items() if key != "verify"}',
            ),
        ],
        [
            f"{_ADDRESSES}::test_no_setting_and_no_key_speaks_of_verification",
            f"{_ADDRESSES}::test_verification_cannot_be_switched_off_in_the_file[as-a-key]",
        ],
    ),
    Guard(
        44,
        [Place("interfaces/web/edge.py", 'if _without_port(headers.get("host", "")) not in self._hosts:', "if False:")],
        ["interfaces/test_http.py::test_another_host_or_origin_is_turned_away_everywhere"],
    ),
    Guard(
        44,
        [
            Place(
                "interfaces/web/edge.py",
                "if origin is not None and not {origin, _without_port(origin)} & self._origins:",
                "if False:",
            )
        ],
        ["interfaces/test_http.py::test_another_host_or_origin_is_turned_away_everywhere"],
    ),
    Guard(
        45,
        [Place("serving.py", "        _refuse_strangers(settings)\n        anyio.run", "        anyio.run")],
        [
            "interfaces/test_sign_in.py::test_an_open_address_without_a_way_to_sign_in_does_not_start",
            "interfaces/test_http.py::test_an_address_that_strangers_reach_is_refused[192.0.2.1]",
        ],
    ),
    Guard(
        45,
        [Place("settings.py", 'host=given.text("host") or "127.0.0.1"', 'host=given.text("host") or "0.0.0.0"')],
        ["settings/test_settings.py::test_a_server_that_is_told_nothing_listens_on_loopback"],
    ),
)
