"""Schemas as pages for people: what a page says, and how it is written down."""
