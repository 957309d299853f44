"""The mirror over HTTP: ASGI application, responses, the worker thread that owns the mirror, and how it is run.

May import: everything of ``mirror``.
"""
