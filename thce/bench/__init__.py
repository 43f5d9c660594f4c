"""Every speed against its rival: the same run, the same cores, the same notes."""
