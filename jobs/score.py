"""Scores notes with a bundle, as a job.

`ray job submit --working-dir . -- python jobs/score.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.registry.score", "ScoreConfig")
