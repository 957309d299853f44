"""The policy: rules that admit or refuse the files of a release, decided from facts alone, and the filter of pages.

May import: ``mirror``, ``mirror.records``. Nothing here reads a file, a clock or the network.
"""
