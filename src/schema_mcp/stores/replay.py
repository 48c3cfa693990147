"""Commits of ours, made again on top of what others have pushed."""

from pathlib import Path

import pygit2

from schema_mcp.stores import commits
from schema_mcp.stores.commits import Commit
from schema_mcp.stores.lineage import Lineage
from schema_mcp.stores.maker import Maker
from schema_mcp.stores.trees import Objects, Trees


def replayed(repo: pygit2.Repository, trees: Trees, maker: Maker, base: str, head: str, upstream: str) -> str:
    """Our commits from `base` to `head`, made again on top of `upstream`; gives the last of them.

    Raises `ConflictError` where both sides changed one file, `StoreError` where there is a merge among ours.
    """
    theirs = set(trees.difference(commits.tree_of(repo, base), commits.tree_of(repo, upstream), ""))
    onto = upstream
    for commit in commits.line(repo, base, head):
        tree, parent = commit.tree_id.raw, commit.parents[0].tree_id.raw
        ours = {path: trees.leaf(tree, path) for path in trees.difference(parent, tree, "")}
        there = commits.tree_of(repo, onto)
        for path in theirs & ours.keys():
            if trees.leaf(there, path) != ours[path]:
                raise commits.both_changed(path, _last_change(repo, path, upstream), commits.told(commit))
        objects: Objects = {}
        new = trees.changed(there, ours, objects)
        maker.write(objects)
        if new != there:
            onto = maker.commit_again(commit, new, onto)
    return onto


def _last_change(repo: pygit2.Repository, path: str, head: str) -> Commit:
    return next(step.commit for step in Lineage(Path(repo.path), head).steps(path))
