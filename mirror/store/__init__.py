"""Stores of bytes under string keys: disk (diskcache), Redis, read-only; writing behind, change counter, repair.

May import: ``mirror`` foundations.
"""
