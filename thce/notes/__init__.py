"""Notes as every system starts from them: reading, identity, de-identification, near-duplicates."""
