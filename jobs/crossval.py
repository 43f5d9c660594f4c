"""Cross-validates a recipe, as a job.

`ray job submit --working-dir . -- python jobs/crossval.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.registry.crossval", "CrossvalConfig")
