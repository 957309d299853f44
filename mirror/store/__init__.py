"""Stores of bytes under string keys: disk (diskcache), Redis, read-only; writing behind, repair.

May import: ``mirror`` foundations.
"""
