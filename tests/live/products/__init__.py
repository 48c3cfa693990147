"""The real products that `make live` starts: each is fetched once, runs on loopback, and is ended by its own id."""
