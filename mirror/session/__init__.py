"""A running mirror: ``mirror.Mirror`` (the public interface), index lookup, results, write buffer, metadata loader.

May import: everything of ``mirror`` but ``mirror.server``.
"""
