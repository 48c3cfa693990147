"""Who may do what, and whose yes it needs: authorization, plans and approvals, items 15 to 32."""

from security.guards.guard import Guard, Place

_BOUND = "security/test_bindings.py::test_what_is_bound_has_another_name_when_anything_of_it_changes"
_MAY_JUDGE = "services/test_approvals.py::test_who_may_not_say_yes"

GUARDS = (
    Guard(
        15,
        [
            Place(
                "toolkit/tool.py",
                "*, scope: Scope, effect: Effect, core: bool",
                "*, scope: Scope = Scope.READ, effect: Effect = Effect.READS, core: bool",
            )
        ],
        ["tools/test_catalogue.py::test_a_tool_cannot_be_made_without_scope_and_effect"],
    ),
    Guard(
        15,
        [
            Place(
                "tools/subjects/deletion.py",
                "@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)\nasync def delete_subject(",
                "@tool(scope=Scope.READ, effect=Effect.DESTROYS)\nasync def delete_subject(",
            )
        ],
        [
            "tools/test_catalogue.py::test_scope_and_effect_fit_each_other[delete_subject]",
            "security/test_matrix.py::test_each_role_is_let_in_where_the_table_says_so[delete_subject]",
        ],
    ),
    Guard(
        16,
        [Place("toolkit/call.py", "    workspace.caller.require(tool.scope, tool.name)\n", "")],
        ["security/test_matrix.py::test_each_role_is_let_in_where_the_table_says_so[delete_subject]"],
    ),
    Guard(
        16,
        [Place("registries/permits.py", "        self._permit.require(scope, place, deed)\n", "")],
        ["security/test_matrix.py::test_a_grant_at_one_registry_opens_that_one_as_far_as_it_goes"],
    ),
    Guard(
        16,
        [
            Place(
                "services/importing.py",
                "    if Capability.MODES in registry.capabilities and",
                "    if False and Capability.MODES in registry.capabilities and",
            )
        ],
        ["security/test_matrix.py::test_a_mode_lets_through_what_the_table_says"],
    ),
    Guard(
        16,
        [Place("services/clearing.py", '    await refuse_closed(registry, Subject("", seen.chosen.context))\n', "")],
        [
            "security/test_matrix.py::test_a_mode_lets_through_what_the_table_says[clear_context_batch]",
            "security/test_read_only.py::test_a_registry_in_a_closed_mode_stays_what_it_was[clear_context_batch]",
        ],
    ),
    Guard(
        17,
        [
            Place(
                "identity/access.py",
                'return Scope(one_of(Scope, "scope")(value))',
                "return Scope(text(value)) if text(value) in set(Scope) else Scope.ADMIN",
            )
        ],
        ["identity/test_access_file.py::test_a_slip_stops_the_start_with_its_line[scope]"],
    ),
    Guard(
        18,
        [
            Place(
                "settings.py",
                "return any(truth_at(where, said) for where, said in self._said(name) if said)",
                "return next((truth_at(where, said) for where, said in self._said(name) if said), False)",
            )
        ],
        ["settings/test_settings.py::test_read_only_beats_every_other_setting"],
    ),
    Guard(
        18,
        [Place("registries/guard.py", "        if self._closed_by:\n", "        if False:\n")],
        ["registries/test_permits.py::test_read_only_beats_every_grant"],
    ),
    Guard(
        19,
        [
            Place(
                "registries/rest.py",
                'call = Call("POST", ("subjects", asking.segment(subject)), query, wire.body(schema))',
                'call = Call("POST", ("subjects", asking.segment(subject), "versions"), query, wire.body(schema))',
            )
        ],
        ["faults/test_calm.py::test_tools_that_read_send_nothing_but_reads"],
    ),
    Guard(
        19,
        [
            Place(
                "tools/subjects/reading.py",
                "    found = await registry.subjects(context=context, prefix=request.prefix, "
                "deleted=request.deleted)\n",
                "    found = await registry.subjects(context=context, prefix=request.prefix, deleted=request.deleted)\n"
                "    from schema_mcp.domain.schema import Subject\n"
                '    await workspace.registry(None).set_config(Subject("planted"), {"compatibility": "NONE"})\n',
            )
        ],
        ["tools/test_reads_write_nothing.py::test_a_read_leaves_no_trace[list_subjects]"],
    ),
    Guard(
        20,
        [Place("registries/guard.py", "        if self._closed_by:\n", "        if False:\n")],
        [
            "security/test_read_only.py::test_a_closed_registry_hears_no_write[delete_subject]",
            "security/test_read_only.py::test_a_closed_registry_hears_no_write[update_mode]",
            "security/test_read_only.py::test_a_closed_registry_hears_no_write[migrate_schemas]",
        ],
    ),
    Guard(
        21,
        [Place("registries/permits.py", "self._permit.require(scope, await self._meant(place), deed)", "pass")],
        ["registries/test_permits.py::test_an_alias_leads_past_no_grant"],
    ),
    Guard(
        22,
        [Place("toolkit/call.py", "(listing := workspace.listings.get(tool.name)) and listing.off", "False")],
        ["interfaces/test_mcp.py::test_a_tool_that_is_not_listed_is_refused_when_called_by_name"],
    ),
    Guard(
        23,
        [Place("interfaces/mcp/desk.py", "return tool.scope in caller.scopes and not", "return not")],
        ["interfaces/test_sign_in.py::test_everybody_sees_what_he_may_use"],
    ),
    Guard(
        23,
        [
            Place(
                "interfaces/mcp/server.py",
                '"tools/list": CacheHint(ttl_ms=_LIST_IS_FRESH_MS, scope="private")',
                '"tools/list": CacheHint(ttl_ms=_LIST_IS_FRESH_MS, scope="public")',
            )
        ],
        ["interfaces/test_mcp.py::test_the_list_is_the_same_every_time_and_for_the_same_caller_only"],
    ),
    Guard(
        24,
        [
            Place(
                "interfaces/mcp/auth.py",
                "        scope = {**scope, CALLER: ",
                '        if Headers(scope=scope).get("x-scopes"):\n'
                "            known = replace(known, scopes=caller.Scope.ADMIN.implied, grants=None)\n"
                "        scope = {**scope, CALLER: ",
            )
        ],
        [
            "security/test_requests.py::test_a_header_widens_nothing[scopes]",
            "security/test_requests.py::test_only_these_headers_of_a_request_are_read",
        ],
    ),
    Guard(
        25,
        [
            Place(
                "interfaces/mcp/resources.py",
                "return await call(_named(offer), arguments, caller=caller,",
                "return await call(_named(offer), arguments, caller=self._workspace.caller,",
            ),
            Place("interfaces/mcp/auth.py", "if need is not None and need[1] not in known.scopes", "if False"),
        ],
        [
            "interfaces/test_resources.py::test_over_http_resources_follow_the_callers_grants",
            "interfaces/test_sign_in.py::test_a_resource_or_prompt_is_refused_where_it_is_asked_for_as_well[resource]",
        ],
    ),
    Guard(
        26,
        [
            Place(
                "stores/approvals.py",
                "AND requester = ? AND email = ?",
                "AND requester <> ? || '.' AND email <> ? || '.'",
            )
        ],
        ["services/test_approvals.py::test_a_yes_is_only_for_who_asked"],
    ),
    Guard(
        26,
        [Place("stores/approvals.py", '"WHERE digest = ? AND requester', "\"WHERE digest <> ? || '.' AND requester")],
        ["services/test_approvals.py::test_a_yes_to_one_thing_is_none_to_another"],
    ),
    Guard(
        26,
        [Place("services/approvals.py", "if not await ground.store.is_unchanged(found.act.commit):", "if False:")],
        ["services/test_approvals.py::test_a_yes_holds_as_long_as_the_store_stays_what_it_was"],
    ),
    Guard(
        26,
        [Place("domain/plan.py", "for each in fields(one)}", 'for each in fields(one) if each.name != "origin"}')],
        [f"{_BOUND}[STEP.origin]"],
    ),
    Guard(
        26,
        [
            Place(
                "services/deletion.py",
                "json.dumps(asdict(self), sort_keys=True)",
                'json.dumps({**asdict(self), "subject": ""}, sort_keys=True)',
            )
        ],
        [f"{_BOUND}[DELETION.subject]", "security/test_bindings.py::test_a_subject_of_another_context_is_another"],
    ),
    Guard(
        26,
        [
            Place(
                "services/approvals.py",
                '["import", registry, asdict(scope), before, force]',
                '["import", registry, before]',
            )
        ],
        ["security/test_bindings.py::test_import_by_hand_and_a_purge_are_bound_to_where_and_how"],
    ),
    Guard(
        27,
        [Place("domain/approval.py", "    if not caller.is_person:\n", "    if False:\n")],
        [f"{_MAY_JUDGE}[a pipeline, a token, or the owner over HTTP]"],
    ),
    Guard(
        27,
        [
            Place(
                "domain/approval.py",
                "if caller.name.casefold() == requester.casefold() or caller.email.casefold() == email.casefold():",
                "if False:",
            )
        ],
        [f"{_MAY_JUDGE}[the requester, signed in]"],
    ),
    Guard(
        28,
        [
            Place(
                "interfaces/mcp/server.py",
                "        context.lifespan_context.called(params.name)\n",
                '        if reply["structuredContent"].get("details", {}).get("layer") == "approval":\n'
                '            await context.session.elicit_form("Shall I?", {"type": "object", "properties": {}})\n'
                "        context.lifespan_context.called(params.name)\n",
            )
        ],
        [
            "security/test_requests.py::test_nothing_here_asks_a_client_back",
            "security/test_requests.py::test_who_says_yes_to_everything_approves_nothing[handshake]",
        ],
    ),
    Guard(
        28,
        [
            Place(
                "services/approvals.py",
                "    await ground.approvals.keep(replace(act, deeds=frozenset(sealed)))\n",
                "    return replace(signed, approved=frozenset(sealed))\n",
            )
        ],
        ["security/test_requests.py::test_who_says_yes_to_everything_approves_nothing"],
    ),
    Guard(
        29,
        [Place("services/deletion.py", "    if seen.digest != digest:\n", "    if False:\n")],
        ["services/test_deletion.py::test_a_preview_that_is_out_of_date_is_refused"],
    ),
    Guard(
        30,
        [
            Place(
                "interfaces/mcp/server.py",
                "            caller = who(context, desk)\n",
                "            caller = desk.caller(via) if params.request_state else who(context, desk)\n",
            )
        ],
        [
            "security/test_requests.py::test_state_that_a_client_brings_changes_nothing[modern-state-ann]",
            "security/test_requests.py::test_no_reply_asks_for_input_or_hands_out_state",
        ],
    ),
    Guard(
        31,
        [
            Place(
                "services/deletion.py",
                "    if set(numbers) == set(await registry.numbers(seen.subject, deleted=seen.permanent)):\n",
                "    if numbers:\n",
            )
        ],
        [
            "security/test_previews.py::test_what_was_shown_is_what_happens[version]",
            "security/test_previews.py::test_what_was_shown_is_what_happens[version for good]",
        ],
    ),
    Guard(
        31,
        [
            Place(
                "services/clearing.py",
                "    commit = await _retire(ground, seen, signed)\n    deleted, failed",
                '    await registry.delete_subject(Subject("orders-value"))\n'
                "    commit = await _retire(ground, seen, signed)\n    deleted, failed",
            )
        ],
        ["security/test_previews.py::test_what_was_shown_is_what_happens[batch]"],
    ),
    Guard(
        31,
        [
            Place(
                "services/deletion.py",
                "    every = await registry.numbers(subject, deleted=True)\n",
                "    every = await registry.numbers(subject, deleted=True)\n"
                "    await registry.delete_version(subject, live[-1])\n",
            )
        ],
        ["services/test_deletion.py::test_a_preview_tells_everything_and_changes_nothing"],
    ),
    Guard(
        31,
        [Place("tools/contexts/deletion.py", "level=contexts.level_of(seen.config)", "level=None")],
        ["security/test_previews.py::test_an_empty_context_goes_with_the_settings_that_were_shown"],
    ),
    Guard(
        31,
        [
            Place(
                "tools/settings.py",
                "@tool(scope=Scope.ADMIN, effect=Effect.REPLACES)\nasync def update_mode(",
                "@tool(scope=Scope.ADMIN, effect=Effect.DESTROYS)\nasync def update_mode(",
            )
        ],
        ["security/test_previews.py::test_every_destructive_tool_is_looked_at"],
    ),
    Guard(
        32,
        [
            Place(
                "stores/approvals.py",
                "WHERE id = ? AND decision = 'approved' AND used_at = ''",
                "WHERE id = ? AND decision = 'approved'",
            )
        ],
        ["services/test_approvals.py::test_of_two_who_use_one_yes_one_gets_it"],
    ),
)
