def total(count: int) -> int:
    from dask.distributed import Client

    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        return client.submit(sum, range(count)).result(timeout=30)
