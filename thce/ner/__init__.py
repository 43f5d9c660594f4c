"""Named entities: from brat files to a production-readiness report."""
