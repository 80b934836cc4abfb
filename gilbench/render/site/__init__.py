"""The site of a history: an index of all series, a page for each, a feed of changes, and badges.

The pages request nothing from anywhere. The charts are small drawings of gilbench's own, since thousands of them must
be drawn in seconds.
"""
