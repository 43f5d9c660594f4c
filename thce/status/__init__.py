"""What runs where: on a Ray cluster, and under THCE_HOME."""
