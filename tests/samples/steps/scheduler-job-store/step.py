from apscheduler.schedulers.background import BackgroundScheduler


def plan(folder: str) -> int:
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore("sqlalchemy", url=f"sqlite:///{folder}/jobs.db")
    scheduler.start(paused=True)
    scheduler.add_job("time:time", "interval", hours=1)
    found = len(scheduler.get_jobs())
    scheduler.shutdown()
    return found
