"""What we keep: schemas in Git, ids, audit, journals."""
