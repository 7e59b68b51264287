"""A worker's watch over its driver; it loads nothing large, so that a worker without work costs little."""

from __future__ import annotations

import os
import signal
import time
from threading import Thread

import psutil


def end_with(driver: int) -> None:
    """End this worker with its driver, and by nothing else that a terminal sends.

    A driver that is killed tells nobody, and its workers would wait for more. Ctrl-C reaches both; it ends them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == driver and psutil.pid_exists(driver):
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
