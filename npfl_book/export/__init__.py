"""The book as files to keep."""
