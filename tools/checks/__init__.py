"""The rules of the repository, one module per rule; tools/check runs them."""
