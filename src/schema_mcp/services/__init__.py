"""What the product does, one verb per file."""
