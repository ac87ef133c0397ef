"""serve.py - uvicorn as both FastAPI peers have it: uvloop, httptools, one process, no logs."""

import uvicorn


def run(app, port):
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        backlog=4096,
        timeout_keep_alive=600,
    )
