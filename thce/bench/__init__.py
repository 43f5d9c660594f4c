"""Every speed against its rival in the same run, and every sampling strategy against random."""
