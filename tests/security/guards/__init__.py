"""Every guard of the security checklist, with what replaces it when it is taken out, and the tests that notice."""

from collections.abc import Sequence

from security.guards import asking, callers, entering, keeping, telling
from security.guards.guard import Guard

GUARDS: Sequence[Guard] = (*callers.GUARDS, *entering.GUARDS, *asking.GUARDS, *keeping.GUARDS, *telling.GUARDS)
"""In the order of `docs/security.md`; an item may have several."""
