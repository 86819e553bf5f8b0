"""Running isomanager on Prefect: the local server, the worker, the deployments and their schedules."""
