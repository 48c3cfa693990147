"""JSON Schema as a registry reads it: which drafts, which classes, which differences count."""
