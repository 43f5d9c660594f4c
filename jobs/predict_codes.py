"""Ranks codes for narratives, as a job.

`ray job submit --working-dir . -- python jobs/predict_codes.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.coder.predict", "PredictConfig")
