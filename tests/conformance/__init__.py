"""The protocol's own conformance suite, run on our server with the suite's fixtures beside our tools."""
