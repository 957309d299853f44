"""Records of the mirror and their codecs: release view, file view, dependency sets, Simple API pages, file names.

Pure: bytes or text in, records out; no file, socket or clock. May import: ``mirror`` foundations (errors, ports, settings, keys).
"""
