"""Protobuf: `.proto` texts and file descriptors, read and judged as Confluent's registry does."""
