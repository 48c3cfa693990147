"""What we talk to: running schema registries, behind one contract."""
