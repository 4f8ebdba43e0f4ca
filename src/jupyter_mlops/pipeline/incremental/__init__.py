"""Running a notebook again in part: unit by unit, what has not changed is taken from the cache."""
