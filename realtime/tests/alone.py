"""`manage.py runrealtime` of the floor alone: `python -m realtime.tests.alone --workers 2 --port 8001`."""

import logging
import sys

from django.core.management import execute_from_command_line

from realtime.tests import app  # noqa: F401  (it sets Django up)

logging.basicConfig(level=logging.INFO, format="%(message)s")
execute_from_command_line(["manage.py", "runrealtime", *sys.argv[1:]])
