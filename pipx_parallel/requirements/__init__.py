"""Requirements: parse the user's inputs into roots and options. Only ``files`` opens files; all others take a ``Reader``."""
