"""Builds the checker."""

import sys

from tests.deploy.checker import CHECKER

sys.exit(CHECKER.main())
