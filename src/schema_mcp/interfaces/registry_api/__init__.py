"""An embedded registry's REST face, as Confluent's clients and serialisers expect it (8.1.5, as recorded)."""
