"""Emitters: a resolution in, artifacts out. Pure text; no file, clock, network, mirror or resolver in this folder."""
