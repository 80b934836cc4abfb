"""A fleet: hosts that measure the blocks of one study.

Three kinds of process take part. The *scheduler* (``gilbench fleet serve``) knows the hosts, and passes messages on.
A *host* (``gilbench fleet serve --join``) does one job at a time, each in a new process. The *client* (``gilbench run
--fleet``) plans, gives out the blocks, and writes the study.

Host and client connect to the scheduler, and never to each other. ``wire.py`` says what of Dask carries the messages.
"""
