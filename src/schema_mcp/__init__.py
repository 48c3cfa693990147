"""schema-mcp: operate Kafka schema registries safely, with Git as the source of truth."""
