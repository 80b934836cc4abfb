"""What runs inside a measured interpreter.

Standard library only, one source for Python 2.7 to today, PyPy, Jython and IronPython. ``worker.py`` is started as a
script, so its neighbours are imported by their bare names; nothing here is imported by gilbench itself.
"""
