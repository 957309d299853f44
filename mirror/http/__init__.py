"""Requests: fetcher, retries, concurrency limit, transports (curl, requests-cache, aiohttp), routing, TLS, credentials.

The only folder that opens sockets. May import: ``mirror.records`` and foundations.
"""
