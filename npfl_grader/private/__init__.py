"""What the grader uses of other libraries beside their public interface: one module for each library.

A private name may go with any release. So each is used here and nowhere else, and ``tests/grader/
test_private.py`` says in a sentence what is missing after an upgrade.
"""
