"""Avro, decided as Apache Avro 1.12 and Confluent Schema Registry decide it."""
