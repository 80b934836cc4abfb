"""The pytest plugin: the fixture ``gilbench``, its marker and options, and the summary of a session."""
