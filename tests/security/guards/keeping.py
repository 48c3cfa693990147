"""What is kept in Git, which ids are handed out, and what a crash leaves: items 46 to 57."""

from security.guards.guard import Guard, Place

_TREES = "stores/test_hostile_trees.py"

GUARDS = (
    Guard(
        46,
        [
            Place(
                "domain/layout.py", 'folder = name if name == lower else f"{name}+{_capitals(name):x}"', "folder = name"
            )
        ],
        ["domain/test_layout.py::test_two_subjects_never_share_a_folder"],
    ),
    Guard(
        46,
        [Place("domain/layout.py", "return folder if plain and not taken else _hashed(whole)", "return folder")],
        ["domain/test_layout.py::test_a_folder_is_one_harmless_path_segment"],
    ),
    Guard(
        47,
        [
            Place(
                "stores/repository.py",
                "            self._advance(branch, expected_head, new, wanted, publish)\n            return new\n",
                "            self._advance(branch, expected_head, new, wanted, publish)\n"
                "            __import__('subprocess').run([self.path / 'hooks' / 'post-commit'])\n"
                "            return new\n",
            )
        ],
        ["stores/test_repository_hostile.py::test_no_hook_ever_runs"],
    ),
    Guard(
        47,
        [
            Place("stores/carrier.py", "  hooksPath = /dev/null\n", "  hooksPath = {hooks}\n"),
            Place(
                "stores/carrier.py",
                "_SETTINGS.format(remote=REMOTE, url=quoted)",
                "_SETTINGS.format(remote=REMOTE, url=quoted, hooks=folder.parent.parent / 'hooks')",
            ),
            Place("stores/remote.py", '"push", "--porcelain", "--no-verify",', '"push", "--porcelain",'),
        ],
        ["stores/test_repository_remote.py::test_no_hook_of_ours_runs_when_we_fetch_or_push"],
    ),
    Guard(
        47,
        [Place("stores/reader.py", "    if not leaf.is_file:\n", "    if False:\n")],
        [f"{_TREES}::test_links_and_submodules_are_findings_and_nothing_of_theirs_is_read[metadata]"],
    ),
    Guard(
        47,
        [Place("stores/remote.py", "    if not _URL.fullmatch(where):\n", "    if False:\n")],
        ["stores/test_repository_remote.py::test_a_place_that_could_run_something_is_refused"],
    ),
    Guard(
        48,
        [Place("stores/remote.py", ' or branch.startswith("-"):', ":")],
        ["stores/test_repository_remote.py::test_a_branch_that_git_would_not_take_is_refused[bare--x]"],
    ),
    Guard(
        48,
        [Place("stores/commits.py", 're.sub(r"[<>\\s]+", " ", as_text(text)).strip', "text.strip")],
        ["stores/test_repository.py::test_an_author_cannot_forge_lines_of_a_commit"],
    ),
    Guard(
        49,
        [
            Place(
                "stores/remote.py",
                "if known and not self._rewritable and not commits.is_part_of(self._opened(), known, there):",
                "if False:",
            )
        ],
        ["stores/test_repository_remote.py::test_a_rewritten_history_stops_everything"],
    ),
    Guard(
        50,
        [
            Place(
                "services/ground.py",
                "return Author(self.caller.name, self.caller.email)",
                'return Author("schema-mcp", "schema-mcp@example.com")',
            )
        ],
        ["interfaces/test_sign_in.py::test_the_caller_signs_the_commit_and_the_trail"],
    ),
    Guard(
        50,
        [
            Place(
                "stores/maker.py",
                '        signature = signer.sign(content.encode(), f"{server.name} <{server.email}>")\n',
                "        try:\n"
                '            signature = signer.sign(content.encode(), f"{server.name} <{server.email}>")\n'
                "        except Exception:\n"
                "            return str(self._repo.create_commit(None, author, server, text, "
                "pygit2.Oid(raw=tree), parents))\n",
            )
        ],
        ["stores/test_signing.py::test_what_cannot_be_signed_is_not_committed"],
    ),
    Guard(
        51,
        [Place("stores/repository.py", "            repository.mend()\n", "")],
        ["stores/test_repository_crash.py::test_a_writer_that_dies_at_a_step_leaves_all_or_nothing"],
    ),
    Guard(
        52,
        [
            Place(
                "services/commits.py",
                '    message = f"Add {version.subject.name} v{version.number}{where} (ID: {version.id})"\n',
                "    all_of = ground.fleet.connections.values()\n"
                "    message = 'Add\\n\\n' + str([one.auth.password.get_secret_value() for one in all_of])\n",
            )
        ],
        ["security/test_canaries.py::test_no_tool_tells_a_secret[list_registries]"],
    ),
    Guard(
        52,
        [Place("toolkit/call.py", "await _refuse_passwords(at_work, entry, arguments)\n", "pass\n")],
        ["security/test_canaries.py::test_a_secret_of_ours_that_was_pasted_goes_nowhere[in-a-reason]"],
    ),
    Guard(
        52,
        [Place("stores/schemastore.py", "        self.refuse_passwords(draft.files)\n", "")],
        ["security/test_canaries.py::test_a_secret_of_ours_in_a_registry_does_not_get_into_the_store"],
    ),
    Guard(
        53,
        [
            Place(
                "stores/idbook.py",
                "self.last = max(self.last, first + len(made) - 1)",
                "self.last = first + len(made) - 2",
            ),
            Place("stores/idbook.py", "        clear = self._is_clear(after, count)\n", "        clear = True\n"),
        ],
        ["faults/test_allocators.py::test_killed_processes_hand_out_every_id_once[sqlite-mixed]"],
    ),
    Guard(
        54,
        [
            Place(
                "stores/leases.py",
                "(self._lasts, lease.name, lease.fence)).rowcount != 1:",
                "(self._lasts, lease.name, lease.fence)).rowcount < 0:",
            )
        ],
        ["stores/test_leases.py::test_a_paused_holder_is_refused_when_it_wakes_up"],
    ),
    Guard(
        55,
        [
            Place(
                "stores/idbook.py",
                "known = self._known_ids([request.schema_hash for request in requests])",
                "known = dict[str, Held]()",
            ),
            Place(
                "stores/idbook.py", "known = known_id(self.ids_of(request.schema_hash), self.holders)", "known = None"
            ),
        ],
        ["stores/test_ids_crowd.py::test_killed_processes_leave_no_duplicate_and_no_shared_id[one-space]"],
    ),
    Guard(
        56,
        [Place("services/importing.py", "                await _leave(ground, registry, subject, own, turn)\n", "")],
        [
            "services/test_deployment.py::test_the_mode_a_subject_had_is_given_back",
            "services/test_importing.py::test_a_cancelled_run_gives_the_mode_back_and_goes_on_later",
        ],
    ),
    Guard(
        56,
        [
            Place(
                "services/recovery.py",
                "        await restore_mode(ground.fleet.get(registry), subject, read_mode(before))\n",
                "",
            )
        ],
        ["services/test_deployment.py::test_a_mode_that_could_not_be_given_back_is_mended_later"],
    ),
    Guard(
        56,
        [
            Place("services/importing.py", "                await _leave(ground, registry, subject, own, turn)\n", ""),
            Place(
                "services/recovery.py",
                "        await restore_mode(ground.fleet.get(registry), subject, read_mode(before))\n",
                "",
            ),
        ],
        ["faults/test_kills.py::test_a_kill_while_applying_leaves_no_import_mode_and_repeats_nothing"],
    ),
    Guard(
        57,
        [
            Place(
                "services/steps.py",
                "finished = {record.key for record in await ground.journal.steps(run.task) if "
                "record.state is StepState.DONE}",
                "finished = set[str]()",
            )
        ],
        ["faults/test_apply_killed.py::test_every_region_ends_as_planned_however_often_the_run_is_killed[6]"],
    ),
)
