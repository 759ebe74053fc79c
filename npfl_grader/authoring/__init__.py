"""Exercises, from their source to a course."""
