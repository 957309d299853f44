"""The ordered strategies that read the core metadata of one file: wheel, sdist, static, ranged, built.

Generators without I/O: they yield requests and receive responses. May import: ``mirror.records`` and foundations.
"""
