"""What is true about schemas: text in, answers out; no network, no disk, no clock."""
