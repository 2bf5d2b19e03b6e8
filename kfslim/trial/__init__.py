"""Running a step, or its imports, in its new image before anyone relies on it."""
