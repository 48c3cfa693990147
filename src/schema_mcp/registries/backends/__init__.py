"""One file per kind of registry, found by name."""
