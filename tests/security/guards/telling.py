"""What goes out, what is recorded, and who waits for whom: items 58 to 62."""

from security.guards.guard import Guard, Place

GUARDS = (
    Guard(
        58,
        [Place("interfaces/mcp/replies.py", "    if not needs_cleaning(said):\n", "    if True:\n")],
        ["security/test_hostile_texts.py::test_no_reply_carries_what_cannot_be_seen[get_schema]"],
    ),
    Guard(
        58,
        [Place("domain/untrusted.py", "return _UNSEEN.sub(_escape, text)", "return text")],
        ["domain/test_untrusted.py::test_nothing_stays_that_cannot_be_seen"],
    ),
    Guard(
        59,
        [
            Place(
                "interfaces/mcp/replies.py",
                "blocks = [_block(text_of(content)), _block(_WARNING)]",
                "blocks = [_block(text_of(content))]",
            )
        ],
        ["security/test_hostile_texts.py::test_what_is_shown_says_that_it_was_spelled_out_and_what_it_said"],
    ),
    Guard(
        60,
        [
            Place("toolkit/paging.py", "if room < 0 and taken:", "if False:"),
            Place(
                "interfaces/mcp/replies.py",
                "return _too_large(tool, size) if size > WIRE_BYTES else reply",
                "return reply",
            ),
        ],
        ["tools/test_reply_sizes.py::test_replies_about_much_fit[names]"],
    ),
    Guard(
        60,
        [Place("interfaces/mcp/replies.py", "content = cleaned(plain, brief=True)", "content = cleaned(plain)")],
        ["security/test_hostile_texts.py::test_what_cannot_be_seen_makes_no_list_too_large[plan_migration]"],
    ),
    Guard(
        60,
        [Place("toolkit/paging.py", "if of == mark and offset.isdecimal():", "if offset.isdecimal():")],
        ["security/test_cursors.py::test_a_cursor_that_we_did_not_give_for_this_list_is_refused"],
    ),
    Guard(
        60,
        [
            Place(
                "toolkit/paging.py",
                "    start = _offset(cursor, mark)\n    weigh",
                '    first = globals().setdefault("kept", {}).setdefault(mark, items)\n'
                "    items = first if cursor else items\n"
                "    start = _offset(cursor, mark)\n    weigh",
            )
        ],
        ["security/test_cursors.py::test_another_callers_cursor_shows_what_one_sees_without_it[list_subjects]"],
    ),
    Guard(
        61,
        [Place("logs.py", "line = line.replace(secret, _MASK)", "pass")],
        ["security/test_canaries.py::test_what_a_log_would_tell_is_masked"],
    ),
    Guard(
        61,
        [
            Place(
                "interfaces/mcp/desk.py",
                "return surprise(request",
                "return surprise(__import__('traceback').format_exc() + request",
            )
        ],
        ["interfaces/test_mcp.py::test_nothing_of_a_bug_reaches_the_caller"],
    ),
    Guard(
        61,
        [Place("interfaces/web/sign_in.py", "name: html.escape(text) for name, text", "name: text for name, text")],
        ["interfaces/test_sign_in_pages.py::test_people_are_asked_each_time_whatever_they_agreed_to_before"],
    ),
    Guard(
        61,
        [
            Place(
                "registries/http.py",
                'f"{self.name} did not answer: {failure.problem}"',
                'f"{self.name} did not answer: {failure.problem} {self.replies._hide}"',
            )
        ],
        [
            "security/test_canaries.py::test_no_tool_tells_a_secret[get_registry_info]",
            "security/test_canaries.py::test_no_page_and_no_resource_tells_a_secret",
        ],
    ),
    Guard(
        61,
        [
            Place(
                "identity/doorman.py",
                "        token = presented(authorization)\n",
                "        token = presented(authorization)\n"
                "        __import__('logging').getLogger('door').info(token)\n",
            )
        ],
        ["interfaces/test_sign_in.py::test_no_token_leaves_the_server_in_a_reply_or_a_log"],
    ),
    Guard(
        62,
        [
            Place(
                "toolkit/recording.py",
                "        if self._writes:\n            await self._audit.intent(self._entry)\n",
                "",
            )
        ],
        ["toolkit/test_call.py::test_a_write_whose_intent_cannot_be_kept_does_not_happen"],
    ),
    Guard(
        62,
        [Place("stores/trail.py", "    elif not is_intact(line):\n", "    elif False:\n")],
        ["interfaces/test_cli_audit.py::test_what_was_done_to_it_is_found[edit-line 3 was changed]"],
    ),
    Guard(
        62,
        [Place("stores/trail.py", "    elif head.seq > last.seq:\n", "    elif False:\n")],
        ["interfaces/test_cli_audit.py::test_what_was_done_to_it_is_found[truncation-lines 5 to 6 are missing]"],
    ),
    Guard(
        62,
        [Place("toolkit/call.py", "        workspace.rates.take(workspace.caller)\n", "        pass\n")],
        ["interfaces/test_rate_limit.py::test_a_call_too_many_is_the_tools_error_with_what_to_do"],
    ),
    Guard(
        62,
        [
            Place(
                "toolkit/recording.py", "with CancelScope(shield=True):  # a cancelled call has an end, too", "if True:"
            )
        ],
        ["interfaces/test_mcp.py::test_a_cancelled_call_stops_its_work_and_leaves_its_line"],
    ),
)
