"""Pure functions on the values of a watch."""
