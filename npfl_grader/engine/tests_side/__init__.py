"""What runs the tests: trusted, and apart from the student's code."""
