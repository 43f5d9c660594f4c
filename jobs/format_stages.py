"""Writes the coder's training rows from a mixture, as a job.

`ray job submit --working-dir . -- python jobs/format_stages.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.coder.format_stages", "MixtureConfig")
