# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""A workflow of DBOS's with many steps, on its SQLite system database as DBOS opens it. Usage: dbos_steps.py FOLDER COUNT.

Prints JSON; in it is how durable a transaction is: `synchronous` is 2 for FULL.
"""

import json
import logging
import os
import sys
import time

from dbos import DBOS
from sqlalchemy import event
from sqlalchemy.engine import Engine

FOLDER, COUNT = sys.argv[1], int(sys.argv[2])
FOUND = {}


@event.listens_for(Engine, "begin")
def look(connection):
    """What a transaction is made with, once."""
    if "synchronous" not in FOUND:
        FOUND["synchronous"] = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        FOUND["journal"] = connection.exec_driver_sql("PRAGMA journal_mode").scalar()


@DBOS.step()
def step(number: int) -> int:
    return number


@DBOS.workflow()
def workflow(count: int) -> float:
    step(0)
    started = time.perf_counter()
    for number in range(count):
        step(number)
    return time.perf_counter() - started


def main():
    database = "sqlite:///" + os.path.join(FOLDER, "dbos.sqlite")
    DBOS(config={"name": "bench", "system_database_url": database, "log_level": "ERROR", "run_admin_server": False})
    logging.disable(logging.WARNING)
    DBOS.launch()
    seconds = workflow(COUNT)
    DBOS.destroy()
    print(json.dumps({"steps": COUNT, "seconds": seconds, **FOUND}))


if __name__ == "__main__":
    main()
