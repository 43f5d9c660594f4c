"""Labels notes by the deterministic rules, as a job.

`ray job submit --working-dir . -- python jobs/hydrate.py --config FILE`
"""

from thce.steps import run_job

if __name__ == "__main__":
    run_job("thce.registry.hydrate_ray", "HydrateConfig")
