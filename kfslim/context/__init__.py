"""A build context: which files Docker would send, what they weigh, and what should stay out."""
