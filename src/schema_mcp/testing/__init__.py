"""For authors of backends: the contract as inherited tests."""
