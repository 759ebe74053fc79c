"""From the bytes of a submission to its record in the gradebook."""
