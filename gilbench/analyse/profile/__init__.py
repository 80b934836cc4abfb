"""From a profile of a program to what it means."""
