"""What a course is: its settings, definitions of assignments, and submissions."""
