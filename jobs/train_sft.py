"""Trains stage 1 or 2 of the coder, as a job.

`ray job submit --working-dir . -- python jobs/train_sft.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.coder.train", "TrainConfig")
