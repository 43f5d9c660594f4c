"""What all three systems train with: Ray Train and DeepSpeed, checkpoints, base weights."""
