"""Trains the registry's classifier, as a job.

`ray job submit --working-dir . -- python jobs/train_registry.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.registry.train", "TrainConfig")
