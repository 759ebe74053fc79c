"""What a worker and its warm processes say to each other: one byte each, in order on a stream."""

JOB = b"j"  # fork a process for a submission; the descriptors of its connections come along
END = b"e"  # end that process
DONE = b"d"  # it has ended, and all that it has started
