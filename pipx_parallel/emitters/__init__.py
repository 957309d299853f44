"""Emitters: a resolution in, artifacts out. Pure: no file, clock, network, mirror or resolver.

May import: foundations, ``mirror.records``, ``locks``.
"""
