"""A registry of our own: Confluent's semantics (8.1.5, as recorded) over one SQLite file, or in memory.

`core.Core` opens it; the other modules hold one verb or noun each, as functions over a `Session`.
"""
