"""Stores of bytes under string keys: disk (diskcache), Redis, read-only; a writer thread; repair.

May import: ``mirror`` foundations.
"""
