"""Who calls: identity and OAuth, items 1 to 14."""

from security.guards.guard import Guard, Place

GUARDS = (
    Guard(
        1,
        [
            Place(
                "interfaces/mcp/auth.py",
                "            await self._unknown(error, tried=bool(given))(scope, receive, send)\n",
                "            await self._app(scope, receive, send)\n",
            )
        ],
        ["interfaces/test_sign_in.py::test_nobody_is_told_what_to_bring_and_nothing_is_run"],
    ),
    Guard(
        2,
        [Place("identity/github.py", 'if app.get("client_id") != self._app.client_id:', "if False:")],
        ["identity/test_doorman.py::test_an_answer_about_another_app_is_none"],
    ),
    Guard(
        2,
        [Place("identity/github.py", 'if self._app.classic_tokens and token.startswith("ghp_"):', "if True:")],
        ["identity/test_doorman.py::test_a_token_that_was_not_made_for_us_is_refused"],
    ),
    Guard(
        2,
        [Place("identity/issuing.py", '                aud={"essential": True, "value": self._audience},\n', "")],
        ["interfaces/test_sign_in_tokens.py::test_a_forged_token_opens_nothing"],
    ),
    Guard(
        3,
        [
            Place(
                "identity/policy.py",
                "frozenset[Scope]() if person.cap is None else person.cap.implied & with_implied(scopes)",
                "with_implied(scopes)",
            )
        ],
        [
            "identity/test_doorman.py::test_an_empty_list_of_scopes_means_no_rights",
            "identity/test_doorman.py::test_classic_tokens_count_where_they_are_switched_on",
        ],
    ),
    Guard(
        4,
        [
            Place(
                "identity/github.py",
                "    if not response.is_success or not isinstance(answer, dict):\n        raise _away(response)\n",
                "    if not response.is_success or not isinstance(answer, dict):\n"
                '        return {"user": {"login": "root", "id": 1}, "app": {"client_id": '
                '"our-app"}, "scopes": ["repo"]}\n',
            ),
            Place(
                "identity/github.py",
                "            if not isinstance(page, list):\n                raise _away(response)\n",
                "            if not isinstance(page, list):\n                return\n",
            ),
        ],
        ["identity/test_doorman.py::test_where_github_cannot_tell_nobody_comes_in"],
    ),
    Guard(
        4,
        [
            Place(
                "identity/github.py",
                'raise IdentityAwayError(f"GitHub does not answer ({type(error).__name__})", hint=_LATER) from None',
                'return httpx2.Response(200, json={"user": {"login": "root", "id": 1}, '
                '"app": {"client_id": self._app.client_id}, "scopes": ["repo"]})',
            )
        ],
        ["identity/test_doorman.py::test_a_github_that_does_not_answer_lets_nobody_in"],
    ),
    Guard(
        5,
        [
            Place(
                "identity/memory.py",
                '    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()',
                "    globals()['seen'] = token\n"
                '    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()',
            ),
            Place(
                "registries/http.py",
                "        headers = {**telling(self._caller_header), **self._headers, **credentials}\n",
                "        from schema_mcp.identity import memory\n"
                "        headers = {**self._headers, **credentials, 'Authorization': f'Bearer {memory.seen}'}\n",
            ),
        ],
        ["interfaces/test_sign_in.py::test_what_a_caller_sends_to_us_is_sent_to_no_registry"],
    ),
    Guard(
        6,
        [
            Place(
                "interfaces/web/sign_in.py",
                "        # Browsers hold the redirects that follow",
                "        if self.cookie in request.cookies:\n"
                "            return _sent_on(self.server.agreed(question.name, browser))\n"
                "        # Browsers hold the redirects that follow",
            )
        ],
        ["interfaces/test_sign_in_pages.py::test_people_are_asked_each_time_whatever_they_agreed_to_before"],
    ),
    Guard(
        7,
        [
            Place(
                "stores/signins.py",
                "WHERE digest = ? AND browser = ? AND",
                "WHERE digest = ? AND browser <> ? || '.' AND",
            )
        ],
        [
            "interfaces/test_sign_in_pages.py::test_who_comes_back_in_another_browser_is_refused",
            "interfaces/test_sign_in_pages.py::test_a_yes_counts_only_in_the_browser_that_was_asked",
        ],
    ),
    Guard(
        8,
        [Place("interfaces/web/sign_in.py", "; frame-ancestors 'none'", "")],
        ["interfaces/test_sign_in_pages.py::test_the_page_can_be_neither_framed_nor_scripted"],
    ),
    Guard(
        8,
        [
            Place(
                "interfaces/web/edge.py",
                "if origin is not None and not {origin, _without_port(origin)} & self._origins:",
                "if False:",
            )
        ],
        ["interfaces/test_sign_in_pages.py::test_a_form_from_another_site_is_turned_away"],
    ),
    Guard(
        8,
        [Place("identity/facade.py", "if not found.takes(redirect):", "if False:")],
        ["interfaces/test_sign_in_pages.py::test_an_answer_never_goes_where_the_program_is_not"],
    ),
    Guard(
        8,
        [
            Place(
                "identity/clients.py",
                'return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)',
                "return True",
            )
        ],
        ["identity/test_clients.py::test_an_address_of_a_stranger_is_https_or_loopback"],
    ),
    Guard(
        9,
        [
            Place(
                "stores/signins.py",
                "WHERE digest = ? AND browser = ? AND",
                "WHERE digest <> ? || '.' AND browser = ? AND",
            )
        ],
        ["interfaces/test_sign_in_pages.py::test_a_state_that_we_did_not_give_is_refused[invented]"],
    ),
    Guard(
        9,
        [
            Place(
                "stores/signins.py",
                "DELETE FROM asked WHERE digest = ? AND browser = ? AND expires_at > ? RETURNING about",
                "SELECT about FROM asked WHERE digest = ? AND browser = ? AND expires_at > ?",
            )
        ],
        ["interfaces/test_sign_in_pages.py::test_a_yes_and_a_return_count_once"],
    ),
    Guard(
        9,
        [
            Place(
                "identity/facade.py",
                '            and compare_digest(_challenge_of(verifier), bound["challenge"])\n',
                "",
            )
        ],
        ["interfaces/test_sign_in_tokens.py::test_a_code_is_for_who_asked_for_it[wrong-proof]"],
    ),
    Guard(
        9,
        [Place("identity/facade.py", '{**said, "iss": self.issuer}', "{**said}")],
        ["interfaces/test_sign_in_pages.py::test_a_bad_question_is_told_to_the_program"],
    ),
    Guard(
        10,
        [
            Place(
                "identity/pipelines.py",
                "found = jwt.decode(token, keys, algorithms=ALGORITHMS)",
                "found = type('Read', (), {'claims': dict(_part(token, 1))})()",
            )
        ],
        ["identity/test_pipelines.py::test_a_forged_token_lets_nobody_in"],
    ),
    Guard(
        10,
        [Place("identity/pipelines.py", '                iss={"essential": True, "value": issuer.url},\n', "")],
        ["identity/test_pipelines.py::test_claims_are_held_to_the_letter[another-issuer]"],
    ),
    Guard(
        10,
        [Place("identity/pipelines.py", '                aud={"essential": True, "value": issuer.audience},\n', "")],
        ["identity/test_pipelines.py::test_claims_are_held_to_the_letter[another-audience]"],
    ),
    Guard(
        10,
        [
            Place(
                "identity/pipelines.py", ".validate(found.claims)", '.validate(found.claims | {"exp": 2**40, "nbf": 0})'
            )
        ],
        [
            "identity/test_pipelines.py::test_claims_are_held_to_the_letter[over]",
            "identity/test_pipelines.py::test_claims_are_held_to_the_letter[not-yet]",
        ],
    ),
    Guard(
        11,
        [
            Place("identity/memory.py", "TTLCache(_MOST, LONGEST, now)", "TTLCache(_MOST, 60 * LONGEST, now)"),
            Place("identity/memory.py", "self._now() - found[0] < LONGEST", "self._now() - found[0] < 60 * LONGEST"),
        ],
        ["identity/test_doorman.py::test_a_revoked_token_is_refused_within_a_minute"],
    ),
    Guard(
        12,
        [
            Place("identity/memory.py", "TTLCache(_MOST, LONGEST, now)", "TTLCache(_MOST, 60 * LONGEST, now)"),
            Place("identity/memory.py", "self._now() - found[0] < LONGEST", "self._now() - found[0] < 60 * LONGEST"),
        ],
        ["identity/test_doorman.py::test_a_team_that_was_left_counts_no_longer_within_a_minute"],
    ),
    Guard(
        13,
        [
            Place(
                "identity/outside.py",
                "if not addresses or not all(is_public(one) for one in addresses):",
                "if not addresses:",
            )
        ],
        ["identity/test_outside.py::test_nothing_inside_is_fetched"],
    ),
    Guard(
        13,
        [Place("identity/outside.py", 'return parts._replace(netloc=f"{number}:{port}").geturl()', "return url")],
        ["identity/test_outside.py::test_the_address_that_was_checked_is_the_one_connected_to"],
    ),
    Guard(
        13,
        [Place("identity/outside.py", "stream=True, follow_redirects=False", "stream=True, follow_redirects=True")],
        ["identity/test_outside.py::test_what_is_no_small_json_object_is_refused[redirect]"],
    ),
    Guard(
        14,
        [
            Place(
                "interfaces/mcp/auth.py", 'said = {**parts, "scope": scope.value}', 'said = {**parts, "scope": "admin"}'
            )
        ],
        ["interfaces/test_sign_in.py::test_a_scope_that_is_missing_is_a_403_that_names_it"],
    ),
)
