"""Trains the entity tagger, as a job.

`ray job submit --working-dir . -- python jobs/train_ner.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.ner.train", "TrainConfig")
