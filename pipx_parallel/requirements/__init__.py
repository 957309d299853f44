"""Requirements: the user's text in, roots and options out. Nothing here opens a file: a reader is passed in."""
