"""Locks and resolutions as values: reading, writing, comparing, drawing and measuring them.

May import: foundations and ``mirror.store.atomic``.
"""
