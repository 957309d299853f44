"""Exchange of mirrors: snapshots, publishing, mirrors on the web, validation of untrusted records, status and maintenance.

May import: ``mirror.store``, ``mirror.http``, ``mirror.metadata``, ``mirror.records`` and foundations.
"""
